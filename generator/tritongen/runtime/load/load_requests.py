"""Requests made ready before the clock starts: bytes that go out as they are.

What differs from one to the next is little: a number written over some bytes (``unique``), and for
sequences some parameters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from load_payloads import Sample, Tensor
from load_scenario import Parameters, Request, ScenarioError, Unique
from tritonclient.grpc import service_pb2 as v2


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where a request stands in its sequence."""

    correlation_id: int | str
    start: bool
    end: bool

    @property
    def parameters(self) -> Parameters:
        """Return what the protocol calls these."""
        return {
            "sequence_id": self.correlation_id,
            "sequence_start": self.start,
            "sequence_end": self.end,
        }


class Ready:
    """A sample as bytes; ``head`` is put before them, or ``tail`` behind, for a sequence."""

    def __init__(self, data: bytes, unique: Unique | None, region: tuple[int, int]) -> None:
        """Keep the bytes; ``region`` is where the input of ``unique`` begins in them and ends."""
        self.data = data
        self.bytes = bytearray(data)
        self.unique = unique
        if unique:
            start = (region[0] if unique.offset >= 0 else region[1]) + unique.offset
            stop = start + (unique.count - 1) * unique.stride + 1
            if start < region[0] or stop > region[1]:
                raise ScenarioError(f"unique: {unique.input!r} has too few bytes for {unique}")
            self.slice = slice(start, stop, unique.stride)

    def written(self, number: int) -> bytes:
        """Return the bytes, with ``number`` written over some of them if it has to be."""
        if self.unique is None:
            return self.data
        count = self.unique.count
        if self.unique.text:
            self.bytes[self.slice] = b"%0*d" % (count, number % 10**count)
        else:
            self.bytes[self.slice] = (number % 256**count).to_bytes(count, "little")
        return bytes(self.bytes)


def position(tensors: Sequence[Tensor], unique: Unique | None) -> int:
    """Return which of the inputs is the one to be different; 0 if none has to be."""
    if unique is None:
        return 0
    names = [tensor.name for tensor in tensors]
    if unique.input not in names:
        raise ScenarioError(f"unique: no input {unique.input!r} in a sample that has {names}")
    return names.index(unique.input)


def _check_headers(kind: Request) -> None:
    """Raise `ScenarioError` for a header that would be read as two, or ends the connection."""
    if any(set("\r\n\0") & set(name + value) for name, value in kind.headers.items()):
        raise ScenarioError(f"request {kind.name!r}: a header has a line break")


class HttpRequests:
    """The requests of one kind as HTTP/1.1 messages: JSON, then the tensors in binary."""

    def __init__(self, kind: Request, samples: Sequence[Sample], host: str) -> None:
        """Make all samples ready."""
        _check_headers(kind)
        self.kind = kind
        version = f"/versions/{quote(kind.version, safe='')}" if kind.version else ""
        lines = [
            f"POST /v2/models/{quote(kind.model, safe='')}{version}/infer HTTP/1.1",
            f"Host: {host}",
            "Content-Type: application/octet-stream",
            *(f"{name}: {value}" for name, value in kind.headers.items()),
        ]
        self.lines = "\r\n".join(lines).encode("latin-1")
        self.ready = [self._ready(sample) for sample in samples]
        self.texts = [self._message(sample) for sample in samples]

    def encode(self, sample: int, number: int, step: Step | None) -> bytes:
        """Return a whole message: ``number`` is new each time, ``step`` if it is of a sequence."""
        ready = self.ready[sample]
        if step is None:
            return ready.written(number)
        body = ready.written(number)
        message = self.texts[sample]
        parameters = {**message["parameters"], **step.parameters}
        return self._head({**message, "parameters": parameters}, len(body)) + body

    def _ready(self, sample: Sample) -> Ready:
        body = b"".join(tensor.data for tensor in sample.inputs)
        head = b"" if self.kind.sequence else self._head(self._message(sample), len(body))
        which = position(sample.inputs, self.kind.unique)
        start = len(head) + sum(len(tensor.data) for tensor in sample.inputs[:which])
        length = len(sample.inputs[which].data) if sample.inputs else 0
        return Ready(head + body, self.kind.unique, (start, start + length))

    def _head(self, message: Mapping[str, Any], length: int) -> bytes:
        text = json.dumps(message, separators=(",", ":")).encode()
        lengths = b"Inference-Header-Content-Length: %d\r\nContent-Length: %d" % (
            len(text),
            len(text) + length,
        )
        return b"%b\r\n%b\r\n\r\n%b" % (self.lines, lengths, text)

    def _message(self, sample: Sample) -> dict[str, Any]:
        inputs = [
            {
                "name": tensor.name,
                "shape": tensor.shape,
                "datatype": tensor.datatype,
                "parameters": {"binary_data_size": len(tensor.data)},
            }
            for tensor in sample.inputs
        ]
        outputs = [
            {"name": output.name, "parameters": {"binary_data": True, **output.parameters}}
            for output in self.kind.outputs
        ]
        parameters = {**self.kind.parameters, **({} if outputs else {"binary_data_output": True})}
        message = {"parameters": parameters, "inputs": inputs}
        return {**message, "outputs": outputs} if outputs else message


class GrpcRequests:
    """The requests of one kind as serialized ``ModelInferRequest``."""

    def __init__(self, kind: Request, samples: Sequence[Sample], streams: bool) -> None:
        """Make all samples ready; ``streams`` asks for a last response that says so."""
        _check_headers(kind)
        self.kind = kind
        last = {"triton_enable_empty_final_response": True} if streams else {}
        self.parameters: Parameters = {**kind.parameters, **last}
        self.ready = [self._ready(sample) for sample in samples]

    def encode(self, sample: int, number: int, step: Step | None) -> bytes:
        """Return a whole message: ``number`` is new each time, ``step`` if it is of a sequence."""
        data = self.ready[sample].written(number)
        if step is None:
            return data
        # Serialized messages put behind each other are their union.
        more = v2.ModelInferRequest(parameters=parameters(step.parameters))
        return data + bytes(more.SerializeToString())

    def _ready(self, sample: Sample) -> Ready:
        contents = [tensor.data for tensor in sample.inputs]
        message = v2.ModelInferRequest(
            model_name=self.kind.model,
            model_version=self.kind.version,
            parameters=parameters(self.parameters),
            inputs=[
                v2.ModelInferRequest.InferInputTensor(
                    name=tensor.name, datatype=tensor.datatype, shape=tensor.shape
                )
                for tensor in sample.inputs
            ],
            outputs=[
                v2.ModelInferRequest.InferRequestedOutputTensor(
                    name=output.name, parameters=parameters(output.parameters)
                )
                for output in self.kind.outputs
            ],
        ).SerializeToString()
        # The contents have the highest field number: they are last, in order.
        parts = [
            v2.ModelInferRequest(raw_input_contents=[data]).SerializeToString() for data in contents
        ]
        which = position(sample.inputs, self.kind.unique)
        end = len(message) + sum(len(part) for part in parts[: which + 1])
        length = len(contents[which]) if contents else 0
        return Ready(message + b"".join(parts), self.kind.unique, (end - length, end))


def parameters(said: Parameters) -> dict[str, Any]:
    """Return parameters as gRPC has them."""
    return {name: _parameter(value) for name, value in said.items()}


def _parameter(value: str | int | bool) -> Any:
    if isinstance(value, bool):
        return v2.InferParameter(bool_param=value)
    if isinstance(value, int):
        return v2.InferParameter(int64_param=value)
    return v2.InferParameter(string_param=value)
