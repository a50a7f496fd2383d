"""A tritonserver that models are put into one by one, and a short way to ask them."""

import itertools
import os
import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.stages.run import run

ONE_INSTANCE = "\ninstance_group [ { kind: KIND_CPU count: 1 } ]\n"
FINAL = "triton_final_response"
TRITON_TYPES = {np.dtype(bool): "BOOL", np.dtype(object): "BYTES"}


@dataclass
class Triton:
    """A server in explicit model control mode over a repository that tests write into."""

    endpoint: Endpoint
    repository: Path
    client: Any
    names: Iterator[str] = field(default_factory=lambda: map("m{}".format, itertools.count()))

    def deploy(self, model: Any, config: str, name: str = "") -> str:
        """Write and load a model; its name. Raises the client's exception if it is refused."""
        import onnx

        name = name or next(self.names)
        folder = self.repository / name
        (folder / "1").mkdir(parents=True)
        onnx.save(model, folder / "1" / "model.onnx")
        if "instance_group" not in config:
            config += ONE_INSTANCE
        (folder / "config.pbtxt").write_text(config, "utf-8")
        self.client.load_model(name)
        return name

    def infer(
        self, name: str, *, outputs: tuple[str, ...] = (), sequence: Any = None, **inputs: Any
    ) -> dict[str, Any]:
        """The outputs by name; ``sequence`` is (id, start, end)."""
        import tritonclient.grpc as grpc

        ids = {}
        if sequence is not None:
            keys = ("sequence_id", "sequence_start", "sequence_end")
            ids = dict(zip(keys, sequence, strict=True))
        wanted = [grpc.InferRequestedOutput(output) for output in outputs] or None
        return _outputs(self.client.infer(name, _inputs(inputs), outputs=wanted, **ids))

    def stream(self, name: str, **inputs: Any) -> list[dict[str, Any]]:
        """All responses of a decoupled model to one request."""
        replies: queue.Queue[Any] = queue.Queue()
        self.client.start_stream(lambda result, error: replies.put(error or result))
        self.client.async_stream_infer(name, _inputs(inputs), enable_empty_final_response=True)
        responses = []
        while not (responses and responses[-1].get_response().parameters[FINAL].bool_param):
            responses.append(replies.get(timeout=30))
        self.client.stop_stream()
        return [_outputs(response) for response in responses]

    def together(self, *calls: Callable[[], Any]) -> list[Any]:
        """What concurrent calls returned or raised, in order."""
        with ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(call) for call in calls]
            return [future.exception() or future.result() for future in futures]

    def statistics(self, name: str) -> Any:
        # Triton counts an execution after it has answered.
        for _ in range(40):
            row = self.client.get_inference_statistics(name).model_stats[0]
            if row.execution_count:
                break
            time.sleep(0.05)
        return row


def _inputs(arrays: dict[str, Any]) -> list[Any]:
    import tritonclient.grpc as grpc

    tensors = []
    for name, array in arrays.items():
        dtype = TRITON_TYPES.get(array.dtype) or _type_name(array.dtype)
        tensors.append(grpc.InferInput(name, list(array.shape), dtype))
        tensors[-1].set_data_from_numpy(array)
    return tensors


def _outputs(result: Any) -> dict[str, Any]:
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def _type_name(dtype: np.dtype[Any]) -> str:
    kinds = {"f": "FP", "i": "INT", "u": "UINT"}
    return f"{kinds[dtype.kind]}{dtype.itemsize * 8}"


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Triton]]:
    """Start a server; ``auto_complete`` and options of tritonserver as given."""
    import contextlib

    import tritonclient.grpc as grpc

    with contextlib.ExitStack() as stack:

        def start_one(repository: Path, *options: str, auto_complete: bool = True) -> Triton:
            serving = Serving(
                root=tmp_path_factory.mktemp("server"),
                repository=repository,
                release=releases()[RELEASE],
                environment=os.environ,
                options=("--model-control-mode=explicit", *options),
                auto_complete=auto_complete,
                usual_ports=False,
                timeout_s=60,
            )
            endpoint = stack.enter_context(run(serving))
            client = stack.enter_context(grpc.InferenceServerClient(endpoint.grpc))
            return Triton(endpoint, repository, client)

        yield start_one


@pytest.fixture(scope="module")
def server(start: Callable[..., Triton], tmp_path_factory: pytest.TempPathFactory) -> Triton:
    return start(tmp_path_factory.mktemp("models"), "--cache-config=local,size=1048576")


@pytest.fixture
def triton(server: Triton) -> Iterator[Triton]:
    """The module's server, emptied of models after each test: every instance is a process."""
    yield server
    for model in server.client.get_model_repository_index().models:
        if model.state == "READY":
            server.client.unload_model(model.name)
