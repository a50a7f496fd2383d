"""From arrays to one inference request and back, over either protocol."""

import queue
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tritongen.errors import SpecError
from tritongen.triton.records import Array, Parameter, Response

OWN_ARGUMENTS = ("sequence_id", "sequence_start", "sequence_end", "priority", "timeout")
"""Request parameters of the protocol's own, which tritonclient takes by name."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One inference request; no ``outputs`` means all.

    ``classes`` maps an output to K: it comes as the K best classes, as BYTES
    ``value:index[:label]``, and needs to be named in ``outputs``.
    """

    model: str
    inputs: Mapping[str, Array]
    outputs: Sequence[str] = ()
    version: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)

    def arguments(self, protocol: Any) -> dict[str, Any]:
        """Return the arguments for the client in ``tritonclient.grpc`` or ``.http``."""
        own = {key: value for key, value in self.parameters.items() if key in OWN_ARGUMENTS}
        return {
            "model_name": self.model,
            "model_version": self.version,
            "inputs": [_input(protocol, name, array) for name, array in self.inputs.items()],
            "outputs": [
                protocol.InferRequestedOutput(name, class_count=self.classes.get(name, 0))
                for name in self.outputs
            ]
            or None,
            "parameters": {k: v for k, v in self.parameters.items() if k not in own},
            **own,
        }


def over_grpc(client: Any, request: Request, timeout_s: float) -> Response:
    """Send a request and wait for its one answer."""
    import tritonclient.grpc

    arguments = request.arguments(tritonclient.grpc)
    sent = time.perf_counter()
    result = client.infer(**arguments, client_timeout=timeout_s)
    return _from_grpc(result, _since(sent))


def over_http(client: Any, request: Request) -> Response:
    """Send a request and wait for its one answer; the client has its own timeout."""
    import tritonclient.http

    arguments = request.arguments(tritonclient.http)
    sent = time.perf_counter()
    result = client.infer(**arguments)
    time_ms = _since(sent)
    answer = result.get_response()
    return Response(
        model=answer["model_name"],
        version=answer["model_version"],
        outputs={row["name"]: result.as_numpy(row["name"]) for row in answer.get("outputs", ())},
        datatypes={row["name"]: row["datatype"] for row in answer.get("outputs", ())},
        parameters=answer.get("parameters", {}),
        time_ms=time_ms,
    )


def over_stream(client: Any, request: Request, timeout_s: float) -> Iterator[Response]:
    """Send a request and yield every answer as it comes, until the model says it was the last."""
    import tritonclient.grpc

    answers: queue.Queue[tuple[Any, Any]] = queue.Queue()
    arguments = request.arguments(tritonclient.grpc)
    # An error in a stream comes without a code. The header that asks for one (triton_grpc_error)
    # makes Triton 2.51 crash if the model goes on answering after it.
    client.start_stream(
        lambda result, error: answers.put((result, error)), stream_timeout=timeout_s
    )
    sent = time.perf_counter()
    abandoned = True
    try:
        # Without the empty final response a model's last answer does not say that it is.
        client.async_stream_infer(**arguments, enable_empty_final_response=True)
        last = False
        while not last:
            result, error = answers.get()
            if error is not None:
                abandoned = False
                raise error
            response = _from_grpc(result, _since(sent))
            last = bool(response.parameters.get("triton_final_response"))
            if response.outputs or not last:
                yield response
        abandoned = False
    finally:
        client.stop_stream(cancel_requests=abandoned)


def _from_grpc(result: Any, time_ms: float) -> Response:
    answer = result.get_response()
    return Response(
        model=answer.model_name,
        version=answer.model_version,
        outputs={row.name: result.as_numpy(row.name) for row in answer.outputs},
        datatypes={row.name: row.datatype for row in answer.outputs},
        parameters={key: _parameter(value) for key, value in answer.parameters.items()},
        time_ms=time_ms,
    )


def _parameter(value: Any) -> Parameter:
    chosen: Parameter = getattr(value, value.WhichOneof("parameter_choice"))
    return chosen


def _input(protocol: Any, name: str, array: Array) -> Any:
    from tritonclient.utils import np_to_triton_dtype

    array = np.asarray(array, dtype=array.dtype.newbyteorder("="))
    if array.dtype.kind in "SU":
        array = array.astype(object)
    datatype = np_to_triton_dtype(array.dtype)
    if datatype in {None, "BF16"}:
        raise SpecError(
            f"input {name}: an array of {array.dtype} cannot be sent",
            why="Triton's protocol has no such type here",
            fix="convert it to one of BOOL, INT8..64, UINT8..64, FP16, FP32, FP64 or BYTES",
        )
    return protocol.InferInput(name, list(array.shape), datatype).set_data_from_numpy(array)


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
