"""A generator function answers one request many times, and stops when nobody listens."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.integration.step.conftest import Load, tensor

from tritongen.triton import Request, Triton, TritonError

pytestmark = pytest.mark.server

COUNT = (
    tensor("input", "count", "INT32")
    + tensor("output", "i", "INT32")
    + "model_transaction_policy { decoupled: true }\n"
)
PLAIN = """
    import numpy as np

    def step(count):
        for i in range(int(count[0])):
            if i == 3:
                raise ValueError("three")
            yield {"i": np.array([i], np.int32)}
"""
ASYNC = """
    import asyncio
    import numpy as np

    async def step(count):
        for i in range(int(count[0])):
            await asyncio.sleep(0)
            if i == 3:
                raise ValueError("three")
            yield {"i": np.array([i], np.int32)}
"""


def count(triton: Triton, model: str, to: int) -> list[int]:
    request = Request(model=model, inputs={"count": np.array([to], np.int32)})
    return [int(answer.outputs["i"][0]) for answer in triton.stream(request, timeout_s=20)]


@pytest.mark.parametrize("source", [PLAIN, ASYNC], ids=["plain", "async"])
def test_sys_exit_ends_the_stream_with_an_error_and_the_model_lives_on(
    load: Load, triton: Triton, source: str
) -> None:
    exits = source.replace('raise ValueError("three")', "raise SystemExit(3)")
    model = load(exits, f"max_batch_size: 0\n{COUNT}")
    with pytest.raises(TritonError, match=r"^step: SystemExit: 3 \(user_step.py:\d+\)$"):
        count(triton, model, 9)
    assert count(triton, model, 2) == [0, 1]


@pytest.mark.parametrize("source", [PLAIN, ASYNC], ids=["plain", "async"])
def test_each_yield_is_a_response_and_an_exception_ends_the_stream(
    load: Load, triton: Triton, source: str
) -> None:
    model = load(source, f"max_batch_size: 0\n{COUNT}")
    assert count(triton, model, 3) == [0, 1, 2]
    assert count(triton, model, 0) == []
    stream = triton.stream(Request(model=model, inputs={"count": np.array([9], np.int32)}))
    assert [int(next(stream).outputs["i"][0]) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(TritonError, match=r"^step: ValueError: three \(user_step.py:\d+\)$"):
        next(stream)
    assert count(triton, model, 1) == [0]


def test_what_is_yielded_is_checked(load: Load, triton: Triton) -> None:
    source = """
        def step(count):
            yield {"i": count}
            yield {"i": count.astype("int64")}
    """
    model = load(source, f"max_batch_size: 0\n{COUNT}")
    with pytest.raises(TritonError, match=r"'i' must be TYPE_INT32 .* got TYPE_INT64"):
        count(triton, model, 1)


def test_batched_requests_stream_one_by_one(load: Load, triton: Triton) -> None:
    source = """
        import numpy as np

        def step(count):
            for row in count:
                yield {"i": row[None]}
    """
    model = load(source, f"max_batch_size: 4\n{COUNT}dynamic_batching {{}}")
    request = Request(model=model, inputs={"count": np.array([[5], [6]], np.int32)})
    assert [answer.outputs["i"].tolist() for answer in triton.stream(request)] == [[[5]], [[6]]]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_cancelled_stream_closes_the_generator(
    load: Load, triton: Triton, tmp_path: Path, kind: str
) -> None:
    ended = tmp_path / "ended"
    source = f"""
        import asyncio
        import pathlib
        import time
        import numpy as np

        {kind} step(count):
            try:
                for i in range(1000):
                    time.sleep(0.02)
                    yield {{"i": np.array([i], np.int32)}}
            finally:
                pathlib.Path({str(ended)!r}).write_text(str(i))
    """
    model = load(source, f"max_batch_size: 0\n{COUNT}")
    stream = triton.stream(Request(model=model, inputs={"count": np.array([1], np.int32)}))
    next(stream)
    stream.close()
    deadline = time.monotonic() + 10
    while not ended.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert int(ended.read_text()) < 500


def test_a_stream_cancelled_before_its_turn_never_reaches_the_function(
    load: Load, triton: Triton, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    source = f"""
        import pathlib
        import time
        import numpy as np

        seen = pathlib.Path({str(seen)!r})

        def step(count):
            with seen.open("a") as log:
                log.write(f"{{count[0]}} ")
            while count[0] == 1 and not seen.with_name("go").exists():
                time.sleep(0.01)
            yield {{"i": count}}
    """
    model = load(source, f"max_batch_size: 0\n{COUNT}instance_group {{ kind: KIND_CPU }}")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(count, triton, model, 1)
        while not seen.exists():
            time.sleep(0.01)
        request = Request(model=model, inputs={"count": np.array([2], np.int32)})
        with pytest.raises(TritonError):
            list(triton.stream(request, timeout_s=0.5))
        time.sleep(0.2)  # until the server has heard of it
        (tmp_path / "go").touch()
        assert first.result() == [1]
    assert count(triton, model, 3) == [3]
    assert seen.read_text() == "1 3 "


def test_async_streams_of_several_clients_interleave(load: Load, triton: Triton) -> None:
    source = """
        import asyncio
        import numpy as np

        here = []

        async def step(count):
            here.append(1)
            while len(here) < 2:  # ends only if a second request is served meanwhile
                await asyncio.sleep(0.01)
            yield {"i": count}
    """
    model = load(source, f"max_batch_size: 0\n{COUNT}instance_group {{ kind: KIND_CPU }}")
    requests = [Request(model=model, inputs={"count": np.array([i], np.int32)}) for i in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        streams = pool.map(lambda request: list(triton.stream(request, timeout_s=20)), requests)
        assert [int(answer.outputs["i"][0]) for (answer,) in streams] == [1, 2]
