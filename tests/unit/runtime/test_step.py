"""The pure half of the runner: joining, splitting, checking, explaining."""

import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

BACKEND = "tritonserver/backends/python"


@pytest.fixture(scope="module")
def step() -> ModuleType:
    """The runner beside the Python backend's own module, as far as that is Python."""
    wheel = find_spec("pytriton")
    assert wheel is not None
    assert wheel.submodule_search_locations is not None
    sys.path.append(str(Path(wheel.submodule_search_locations[0]) / BACKEND))
    from tritongen.runtime import step

    return step


def asked(step: ModuleType, rows: int | None, **inputs: Any) -> Any:
    return step.Asked(None, inputs, rows)


BATCH = st.lists(st.integers(0, 4), min_size=1, max_size=6)


@given(rows=BATCH)
def test_what_was_joined_splits_into_what_it_was(step: ModuleType, rows: list[int]) -> None:
    inputs = [
        {
            "x": np.full((count, 2), i, np.float16),
            "text": np.full((count, 1), b"%d\0" % i, object),
        }
        for i, count in enumerate(rows)
    ]
    parts = step.split(step.join(inputs), rows)
    for part, before in zip(parts, inputs, strict=True):
        for name, array in before.items():
            np.testing.assert_array_equal(part[name], array)
            assert part[name].dtype == array.dtype


def test_a_lone_request_is_not_copied(step: ModuleType) -> None:
    inputs = {"x": np.ones((1, 2))}
    assert step.join([inputs])["x"] is inputs["x"]


def test_requests_share_a_call_if_all_but_their_rows_agrees(step: ModuleType) -> None:
    x, y = np.ones((1, 2)), np.ones((3, 2))
    same = [asked(step, 1, x=x, y=x), asked(step, 3, y=y, x=y)]
    wider = asked(step, 1, x=np.ones((1, 3)), y=x)
    typed = asked(step, 1, x=x.astype(np.float32), y=x)
    fewer = asked(step, 1, x=x)
    renamed = asked(step, 1, x=x, z=x)
    others = [wider, typed, fewer, renamed]
    groups = step.group([same[0], *others, same[1]])
    assert groups == [same, *([other] for other in others)]


def test_requests_without_a_batch_dimension_are_calls_of_their_own(step: ModuleType) -> None:
    requests = [asked(step, None, x=np.ones(2)) for _ in range(2)]
    assert step.group(requests) == [[requests[0]], [requests[1]]]


def config(data_type: str, dims: list[int], **more: Any) -> dict[str, Any]:
    return {"name": "y", "data_type": data_type, "dims": dims, **more}


@pytest.mark.parametrize(
    ("value", "tensor", "rows", "message"),
    [
        (np.ones((2, 3), np.float32), config("TYPE_FP32", [3]), 2, None),
        (np.ones((2, 3), np.float32), config("TYPE_FP32", [-1]), 2, None),
        (np.ones((5, 3), np.float32), config("TYPE_FP32", [3]), None, None),
        (np.ones((2, 3, 1), np.float32), config("TYPE_FP32", [3]), 2, "shape [2, 3]"),
        (np.ones(2, np.uint8), config("TYPE_UINT8", [1], reshape={"shape": []}), 2, None),
        (np.ones(2, np.uint8), config("TYPE_UINT8", [1], reshape={}), 2, None),
        (np.ones((2, 1), np.uint8), config("TYPE_UINT8", [1], reshape={}), 2, "shape [2]"),
        (np.float32(1), config("TYPE_FP32", [1]), None, "shape [-1, 1], got []"),
        ([[1], [2]], config("TYPE_INT64", [1]), 2, None),
        ([[1], [2]], config("TYPE_INT32", [1]), 2, "got TYPE_INT64 (numpy int64)"),
        ([["a"], [b"b"]], config("TYPE_STRING", [1]), 2, None),
        ([["a"], ["b", "c"]], config("TYPE_STRING", [1]), 2, "bytes or str, got list"),
        (np.ones((2, 1), ">i4"), config("TYPE_INT32", [1]), 2, "must be TYPE_INT32"),
        (np.ones((2, 1), bool), config("TYPE_UINT8", [1]), 2, "got TYPE_BOOL (numpy bool)"),
        (None, config("TYPE_FP32", [1]), 2, "'y' must be TYPE_FP32 (numpy float32), got"),
    ],
)
def test_an_output_is_held_to_its_type_and_shape(
    step: ModuleType, value: object, tensor: dict[str, Any], rows: int | None, message: str | None
) -> None:
    output = step.output_of(tensor, batches=True)
    if message is None:
        array = step.check({"y": value}, [output], rows)["y"]
        assert array.dtype == output.dtype
    else:
        with pytest.raises(step.StepError) as caught:
            step.check({"y": value}, [output], rows)
        assert message in str(caught.value)


def test_numbers_and_bytes_are_sent_without_a_copy(step: ModuleType) -> None:
    for array in (np.ones(2, np.float16), np.array([[b"a\0"], [b""]], object)):
        assert step.sendable(array) is array


def test_an_error_is_placed_where_it_passed_the_users_files(
    step: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "placed_step.py").write_text("import numpy as np\nnp.ones(2).reshape(3)\n")
    with pytest.raises(ValueError, match="cannot reshape") as caught:
        step.load(tmp_path / "1", "placed_step.py")
    text = step.describe(caught.value, tmp_path / "1")
    assert text == "ValueError: cannot reshape array of size 2 into shape (3,) (placed_step.py:2)"
    assert step.describe(KeyError("x"), tmp_path) == "KeyError: 'x'"
    assert step.describe(TimeoutError(), tmp_path) == "TimeoutError"


def test_an_exception_is_said_in_what_triton_can_send(step: ModuleType, tmp_path: Path) -> None:
    assert step.describe(OSError("a\0b \udce4 ü"), tmp_path) == "OSError: a\\0b \\udce4 ü"
    assert step.describe(step.StepError("\udce4"), tmp_path) == "\\udce4"


def test_an_iterator_that_ends_is_said_with_the_place_of_next(
    step: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "ending_step.py").write_text("def f():\n    return next(iter([]))\n")
    module = step.load(tmp_path / "1", "ending_step.py")

    async def call() -> None:
        module.f()

    with pytest.raises(RuntimeError) as caught:
        step.run_now(call())
    text = step.describe(caught.value, tmp_path / "1")
    assert text == "StopIteration (ending_step.py:2)"


@pytest.fixture(autouse=True)
def _restore_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_a_step_does_not_replace_a_module_of_its_name(step: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "json.py").write_text("HERE = True\n")
    import json

    module = step.load(tmp_path / "1", "json.py")
    assert module.HERE
    assert sys.modules["json"] is json


@pytest.mark.parametrize("source", ["def f(x): ...", "def f(**inputs): ...", "def f(*, x): ..."])
def test_inputs_fit_by_name(step: ModuleType, source: str) -> None:
    names: dict[str, Any] = {}
    exec(source, names)
    step.check_signature(names["f"], {"input": [config("TYPE_FP32", [1]) | {"name": "x"}]})


def test_control_inputs_of_a_sequence_are_passed_too(step: ModuleType) -> None:
    def takes(y: object, START: object) -> None: ...  # noqa: N803

    inputs = {"input": [config("TYPE_FP32", [1])]}
    control = {"sequence_batching": {"control_input": [{"name": "START"}]}}
    step.check_signature(takes, inputs | control)
    with pytest.raises(step.StepError, match="missing a required argument: 'START'"):
        step.check_signature(takes, inputs)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_closing_early_closes_the_generator(step: ModuleType, asynchronous: bool) -> None:
    events: list[object] = []

    def plain() -> Generator[int, None, None]:
        try:
            yield from (1, 2)
        finally:
            events.append("closed")

    async def waiting() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            events.append("closed")

    async def first() -> None:
        stream = waiting() if asynchronous else plain()
        async with aclosing(step.each_of(stream)) as results:
            async for result in results:
                events.append(result)
                break
        events.append("after")

    step.run_now(first())
    assert events == [1, "closed", "after"]
