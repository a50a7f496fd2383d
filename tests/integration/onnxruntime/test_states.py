"""Implicit state: kept between the requests of a sequence, and of no other."""

import time
from functools import partial
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto as T

from . import graphs

pytestmark = pytest.mark.server
DIRECT, OLDEST = "direct { }", "oldest { max_candidate_sequences: 4 }"


def config(
    strategy: str = DIRECT,
    *,
    initial: str = "",
    extra: str = "",
    batch: int = 4,
    data_type: str = "TYPE_FP32",
    dims: str = "[1]",
) -> str:
    return f"""backend: "onnxruntime" max_batch_size: {batch}
        input [ {{ name: "x" data_type: {data_type} dims: [1] }} ]
        output [ {{ name: "y" data_type: {data_type} dims: {dims} }} ]
        sequence_batching {{ {strategy} {extra} state [ {{ input_name: "state"
            output_name: "next" data_type: {data_type} dims: {dims} {initial} }} ] }}"""


def one(value: Any, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.array([[value]], dtype)


def send(triton: Any, name: str, values: list[float], identity: Any) -> list[Any]:
    """The answers to a whole sequence, from its start to its end."""
    last = len(values) - 1
    return [
        triton.infer(name, sequence=(identity, at == 0, at == last), x=one(value))["y"].item()
        for at, value in enumerate(values)
    ]


@pytest.mark.parametrize("strategy", [DIRECT, OLDEST])
@pytest.mark.parametrize("identities", [(7, 8, 9), ("a", "b", "ä")])
def test_sequences_that_run_at_once_have_each_its_own_state(
    triton: Any, strategy: str, identities: tuple[Any, ...]
) -> None:
    name = triton.deploy(graphs.accumulator(), config(strategy))

    answers = triton.together(
        *(
            partial(send, triton, name, [10**power * step for step in (1, 2, 3)], identity)
            for power, identity in enumerate(identities)
        )
    )

    assert answers == [[1, 3, 6], [10, 30, 60], [100, 300, 600]]


def test_start_begins_anew_with_and_without_an_end_before(triton: Any) -> None:
    name = triton.deploy(graphs.accumulator(), config())

    assert send(triton, name, [1, 2, 3], 5) == [1, 3, 6]
    assert send(triton, name, [4, 5], 5) == [4, 9]
    for _ in range(2):
        assert triton.infer(name, sequence=(5, True, False), x=one(2))["y"] == 2
    assert triton.infer(name, sequence=(5, False, True), x=one(1))["y"] == 3


def test_state_begins_as_the_initial_state_says(triton: Any) -> None:
    zero = 'initial_state { data_type: TYPE_FP32 dims: [1] zero_data: true name: "i" }'
    name = triton.deploy(graphs.accumulator(), config(OLDEST, initial=zero))

    assert send(triton, name, [1, 2], 5) == [1, 3]


def test_state_begins_with_the_data_of_a_file(triton: Any) -> None:
    file = 'initial_state { data_type: TYPE_FP32 dims: [1] data_file: "seven" name: "i" }'
    folder = triton.repository / "m_initial" / "initial_state"
    folder.mkdir(parents=True)
    (folder / "seven").write_bytes(np.float32(7).tobytes())
    name = triton.deploy(graphs.accumulator(), config(initial=file), name="m_initial")

    assert send(triton, name, [1, 2], 5) == [8, 10]
    assert send(triton, name, [1, 2], 6) == [8, 10]


def test_a_state_may_grow(triton: Any) -> None:
    zero = 'initial_state { data_type: TYPE_FP32 dims: [1] zero_data: true name: "i" }'
    name = triton.deploy(graphs.history(), config(OLDEST, initial=zero, dims="[-1]"))

    answers = [
        triton.infer(name, sequence=(5, step == 1, step == 3), x=one(step))["y"].tolist()
        for step in (1, 2, 3)
    ]

    assert answers == [[[0, 1]], [[0, 1, 2]], [[0, 1, 2, 3]]]


def test_strings_can_be_state(triton: Any) -> None:
    model = graphs.model(
        [graphs.node("Identity", "x", "next"), graphs.node("Identity", "state", "y")],
        [graphs.tensor("x", ["N", 1], T.STRING), graphs.tensor("state", ["N", 1], T.STRING)],
        [graphs.tensor("y", ["N", 1], T.STRING), graphs.tensor("next", ["N", 1], T.STRING)],
    )
    name = triton.deploy(model, config(data_type="TYPE_STRING"))

    answers = [
        triton.infer(name, sequence=(5, at == 0, False), x=one(text.encode(), object))["y"].item()
        for at, text in enumerate(["ä", "b", "c"])
    ]

    assert answers == [b"", "ä".encode(), b"b"]


def test_a_model_without_batching_keeps_state(triton: Any) -> None:
    model = graphs.model(
        [graphs.node("Add", "x state", "next"), graphs.node("Identity", "next", "y")],
        [graphs.tensor("x", [1]), graphs.tensor("state", [1])],
        [graphs.tensor("y", [1]), graphs.tensor("next", [1])],
    )
    name = triton.deploy(model, config(batch=0))
    x = np.ones(1, np.float32)

    answers = [triton.infer(name, sequence=(5, at == 0, False), x=x)["y"].item() for at in range(3)]

    assert answers == [1, 2, 3]


def test_a_failed_request_leaves_the_state_as_it_was(triton: Any) -> None:
    # The next state is the table's element at `x`: an index outside of it fails the request.
    model = graphs.model(
        [
            graphs.node("Gather", "table x", "step"),
            graphs.node("Add", "step state", "next"),
            graphs.node("Identity", "next", "y"),
        ],
        [graphs.tensor("x", ["N", 1], T.INT64), graphs.tensor("state", ["N", 1])],
        [graphs.tensor("y", ["N", 1]), graphs.tensor("next", ["N", 1])],
        table=np.array([1, 10], np.float32),
    )
    name = triton.deploy(
        model,
        config(OLDEST).replace('name: "x" data_type: TYPE_FP32', 'name: "x" data_type: TYPE_INT64'),
    )

    assert triton.infer(name, sequence=(5, True, False), x=one(0, np.int64))["y"] == 1
    with pytest.raises(Exception, match="idx=99"):
        triton.infer(name, sequence=(5, False, False), x=one(99, np.int64))
    assert triton.infer(name, sequence=(5, False, False), x=one(1, np.int64))["y"] == 11


def test_after_the_idle_time_a_sequence_must_start_again(triton: Any) -> None:
    name = triton.deploy(
        graphs.accumulator(), config(extra="max_sequence_idle_microseconds: 200000")
    )
    assert triton.infer(name, sequence=(5, True, False), x=one(1))["y"] == 1
    time.sleep(0.8)

    with pytest.raises(Exception, match="must specify the START flag"):
        triton.infer(name, sequence=(5, False, False), x=one(1))
    assert triton.infer(name, sequence=(5, True, False), x=one(2))["y"] == 2


def test_control_tensors_reach_the_model(triton: Any) -> None:
    controls = """control_input [
        { name: "start" control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [0, 1] } ] },
        { name: "end" control [ { kind: CONTROL_SEQUENCE_END fp32_false_true: [0, 1] } ] },
        { name: "ready" control [ { kind: CONTROL_SEQUENCE_READY fp32_false_true: [0, 1] } ] },
        { name: "id" control [ { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_INT64 } ] } ]"""
    floats = ["x", "start", "end", "ready"]
    model = graphs.model(
        [
            graphs.node("Cast", "id", "number", to=T.FLOAT),
            graphs.node("Concat", " ".join([*floats, "number"]), "y", axis=1),
        ],
        [
            *(graphs.tensor(name, ["N", 1]) for name in floats),
            graphs.tensor("id", ["N", 1], T.INT64),
        ],
        [graphs.tensor("y", ["N", 5])],
    )
    name = triton.deploy(
        model,
        f"""backend: "onnxruntime" max_batch_size: 4
        input [ {{ name: "x" data_type: TYPE_FP32 dims: [1] }} ]
        output [ {{ name: "y" data_type: TYPE_FP32 dims: [5] }} ]
        sequence_batching {{ direct {{ }} {controls} }}""",
    )

    answers = [
        triton.infer(name, sequence=(42, at == 0, at == 2), x=one(at))["y"].tolist()
        for at in range(3)
    ]

    assert answers == [[[0, 1, 0, 1, 42]], [[1, 0, 0, 1, 42]], [[2, 0, 1, 1, 42]]]


def test_warm_up_leaves_no_state_behind(triton: Any) -> None:
    warmup = """model_warmup [ { name: "w" batch_size: 1 count: 3
        inputs { key: "x" value { data_type: TYPE_FP32 dims: [1] random_data: true } }
        inputs { key: "state" value { data_type: TYPE_FP32 dims: [1] random_data: true } } } ]"""
    name = triton.deploy(graphs.accumulator(), config(OLDEST) + warmup)

    assert send(triton, name, [1, 2], 5) == [1, 3]
