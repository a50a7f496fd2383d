"""An async step calls other models; a request given up in the queue never reaches a step."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integration.step.conftest import Load, tensor

from tritongen.triton import Request, Triton, TritonError

pytestmark = pytest.mark.server

X_TO_Y = tensor("input", "x", "FP32") + tensor("output", "y", "FP32")
CALLED = """
    import json
    import numpy as np

    def step(x, text=None, *, context):
        if x.min() < 0:
            raise ValueError("negative")
        (request,) = context.requests
        said = b"" if text is None else text[0, 0]
        said += json.dumps(dict(request.parameters)).encode()
        return {"y": x * 2, "z": x * 3, "said": [[said]]}
"""
CALLED_CONFIG = (
    f"max_batch_size: 8\n{X_TO_Y}"
    + tensor("input", "text", "STRING", "1", "optional: true")
    + tensor("output", "z", "FP32")
    + tensor("output", "said", "STRING")
)


def test_an_async_step_calls_another_model_and_gets_its_outputs_or_its_error(
    load: Load, triton: Triton
) -> None:
    load(CALLED, CALLED_CONFIG, name="called")
    source = """
        import numpy as np

        async def step(x, *, context):
            text = np.array([["é\\0"]])
            both = await context.infer("called", {"x": x}, ["z", "y"])
            every = await context.infer(
                "called", {"x": x, "text": text}, version=1, parameters={"a": 1, "b": "c"}
            )
            assert set(both) == {"y", "z"} and set(every) == {"y", "z", "said"}
            try:
                await context.infer("nowhere", {"x": x})
            except RuntimeError as error:
                missing = str(error)
            return {"y": both["y"] + both["z"], "said": [[every["said"][0, 0]]], "no": [[missing]]}
    """
    said = tensor("output", "said", "STRING") + tensor("output", "no", "STRING")
    model = load(source, f"max_batch_size: 8\n{X_TO_Y}{said}", name="caller")
    found = triton.infer(Request(model=model, inputs={"x": np.ones((1, 1), np.float32)})).outputs
    assert found["y"].tolist() == [[5]]
    assert found["said"].item() == "é".encode() + b'{"a": 1, "b": "c"}'
    assert found["no"].item().startswith(b"model 'nowhere': ")
    with pytest.raises(TritonError) as caught:
        triton.infer(Request(model=model, inputs={"x": np.full((1, 1), -1, np.float32)}))
    message = "RuntimeError: model 'called': step: ValueError: negative (user_step.py:7)"
    assert message in caught.value.message


def test_async_requests_that_are_calls_of_their_own_run_side_by_side(
    load: Load, triton: Triton
) -> None:
    source = """
        import asyncio
        import numpy as np

        here = []

        async def step(x, *, context):
            here.append(1)
            while len(here) < 3:  # ends only if the other requests are called meanwhile
                await asyncio.sleep(0.01)
            return {"y": x * 2}
    """
    batching = "dynamic_batching { max_queue_delay_microseconds: 500000 }"
    model = load(source, f"max_batch_size: 3\n{X_TO_Y}{batching}", join=False)
    inputs = [{"x": np.full((1, 1), i, np.float32)} for i in range(3)]
    with ThreadPoolExecutor(3) as pool:
        requests = [Request(model=model, inputs=each) for each in inputs]
        answers = list(pool.map(lambda request: triton.infer(request, timeout_s=20), requests))
    assert [answer.outputs["y"].item() for answer in answers] == [0, 2, 4]


SLOW = """
    import json
    import pathlib
    import time

    def step(x, *, context):
        seen = pathlib.Path(context.parameters["seen"])
        with seen.open("a") as log:
            log.write(f"{x[0, 0]:g}\\n")
        while x[0, 0] == 1 and not seen.with_name("go").exists():
            time.sleep(0.01)
        if x[0, 0] == 3:
            while not context.requests[0].cancelled():
                time.sleep(0.01)
            seen.with_name("noticed").touch()
        return {"y": x}
"""


@pytest.fixture
def client(triton: Triton) -> Iterator[Any]:
    from tritonclient.grpc import InferenceServerClient

    with InferenceServerClient(triton.grpc) as client:
        yield client


def test_cancelled_requests_do_not_reach_the_function_and_running_ones_can_ask(
    load: Load, triton: Triton, client: Any, tmp_path: Path
) -> None:
    from tritonclient.grpc import InferInput

    seen = tmp_path / "seen"
    parameter = f'parameters {{ key: "seen" value {{ string_value: "{seen}" }} }}\n'
    # Without a dynamic batcher Triton itself does not drop cancelled requests.
    one = "instance_group { kind: KIND_CPU }\n"
    model = load(SLOW, f"max_batch_size: 8\n{X_TO_Y}{parameter}{one}")
    done = {i: threading.Event() for i in (1, 2, 3)}

    def send(i: int) -> Any:
        x = InferInput("x", [1, 1], "FP32")
        x.set_data_from_numpy(np.full((1, 1), i, np.float32))
        return client.async_infer(model, [x], lambda result, error: done[i].set())

    send(1)
    until(seen.exists)
    second = send(2)
    time.sleep(0.2)
    second.cancel()
    assert done[2].wait(10)
    time.sleep(0.2)  # until the server has heard of it
    (tmp_path / "go").touch()
    assert done[1].wait(10)
    third = send(3)
    until(lambda: seen.read_text().endswith("3\n"))
    third.cancel()
    until((tmp_path / "noticed").exists)
    assert seen.read_text() == "1\n3\n"


def until(happened: Any) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
