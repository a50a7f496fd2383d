"""The parts of the ONNX Runtime backend that need no server, imported as Triton imports them."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

import tritongen

BACKEND = Path(tritongen.__file__).parent / "runtime" / "onnxruntime"
WHEEL = Path(next(iter(find_spec("pytriton").submodule_search_locations)))  # type: ignore[union-attr, arg-type]
sys.path += [str(BACKEND), str(WHEEL / "tritonserver" / "backends" / "python")]

import ort_batch  # noqa: E402
import ort_contract  # noqa: E402
import ort_release  # noqa: E402
import ort_session  # noqa: E402
import ort_state  # noqa: E402


def graph_file(folder: Path, *, ir: int = 9, opsets: dict[str, int] | None = None) -> Path:
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N"])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["x2"])], "g", [value], [])
    imports = [helper.make_opsetid(*item) for item in (opsets or {"": 17}).items()]
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, ir_version=ir, opset_imports=imports), path)
    return path


def test_versions_are_read_without_the_graph(tmp_path: Path) -> None:
    path = graph_file(tmp_path, ir=12, opsets={"ai.onnx.ml": 99, "": 300})

    assert ort_release.versions(path) == (12, 300)


def test_the_opset_may_be_said_with_the_domain_s_full_name(tmp_path: Path) -> None:
    assert ort_release.versions(graph_file(tmp_path, opsets={"ai.onnx": 22})) == (9, 22)


@given(data=st.binary(max_size=200))
def test_a_file_that_is_not_onnx_has_some_versions_and_no_error(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("file") / "model.onnx"
    path.write_bytes(data)

    ir_version, opset = ort_release.versions(path)

    assert ir_version >= 0
    assert opset >= 0


def test_a_cut_off_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = graph_file(tmp_path, ir=8)
    path.write_bytes(path.read_bytes()[:12])

    assert ort_release.versions(path) == (8, 0)


def test_without_a_release_nothing_is_too_new(tmp_path: Path) -> None:
    ort_release.refuse_newer(graph_file(tmp_path, ir=99))


def test_a_release_refuses_what_is_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = tmp_path / "release.json"
    limits.write_text('{"onnxruntime": "1.19.2", "onnx_ir": 10, "onnx_opset": 21}', "utf-8")
    monkeypatch.setattr(ort_release, "RELEASE", limits)

    ort_release.refuse_newer(graph_file(tmp_path, ir=10, opsets={"": 21}))
    with pytest.raises(ort_release.LoadError, match="IR version: 11"):
        ort_release.refuse_newer(graph_file(tmp_path, ir=11))
    with pytest.raises(ort_release.LoadError, match="opset 22"):
        ort_release.refuse_newer(graph_file(tmp_path, opsets={"": 22}))


def parameters(**values: str) -> dict[str, Any]:
    return {"parameters": {key: {"string_value": value} for key, value in values.items()}}


def test_session_options_take_what_parameters_say() -> None:
    options = ort_session.session_options(
        {
            **parameters(
                intra_op_thread_count="3",
                inter_op_thread_count="-1",
                execution_mode="1",
                enable_mem_arena="False",
                enable_mem_pattern="off",
                unknown="?",
            ),
            "optimization": {"graph": {"level": -1}},
        }
    )

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 0)
    assert options.execution_mode.name == "ORT_PARALLEL"
    assert not options.enable_cpu_mem_arena
    assert not options.enable_mem_pattern
    assert options.graph_optimization_level.name == "ORT_ENABLE_BASIC"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"intra_op_thread_count": ""}, "'' to integral number"),
        ({"intra_op_thread_count": "99999999999"}, "'99999999999' to integral number"),
        ({"execution_mode": "-1"}, "0 or 1 but got -1"),
        ({"enable_mem_pattern": "2"}, "'2' to boolean"),
    ],
)
def test_bad_parameters_are_refused(values: dict[str, str], reason: str) -> None:
    with pytest.raises(ort_release.LoadError, match=reason):
        ort_session.session_options(parameters(**values))


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('backend: "onnxruntime" runtime: "model.py"', True),
        ("runtime : 'x'", True),
        ('backend: "onnxruntime"', False),
        ('runtime: ""', False),
        ('# runtime: "model.py"', False),
        ('parameters { key: "runtime: 1" value { string_value: "runtime: \\"x\\"" } }', False),
    ],
)
def test_only_a_runtime_that_config_pbtxt_sets_is_refused(
    text: str, refused: bool, tmp_path: Path
) -> None:
    (tmp_path / "config.pbtxt").write_text(text, "utf-8")

    if not refused:
        ort_contract.refuse_runtime(tmp_path)
        return
    with pytest.raises(ort_release.LoadError, match="sets runtime"):
        ort_contract.refuse_runtime(tmp_path)


def signature(**dims: tuple[int, ...]) -> Any:
    tensors = {
        name: ort_session.Tensor(name, "tensor(float)", value) for name, value in dims.items()
    }
    y = tensors.pop("y")
    return ort_session.Signature(inputs=tensors, initializers={}, outputs={"y": y})


def empty(max_batch_size: int) -> dict[str, Any]:
    return {
        "name": "m",
        "max_batch_size": max_batch_size,
        "input": [],
        "output": [],
        "batch_input": [],
        "batch_output": [],
    }


@pytest.mark.parametrize(("said", "filled"), [(0, 4), (1, 1), (16, 16)])
def test_what_can_batch_is_completed_to_batch(said: int, filled: int) -> None:
    config = empty(said)

    ort_contract.complete(config, signature(x=(-1, 2), y=(-1,)))

    assert config["max_batch_size"] == filled
    assert ("dynamic_batching" in config) == (filled > 1)
    assert config["input"] == [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}]
    assert config["output"] == [
        {"name": "y", "data_type": "TYPE_FP32", "dims": [1], "reshape": {"shape": []}}
    ]


def test_what_cannot_batch_is_completed_without() -> None:
    config = empty(0)

    ort_contract.complete(config, signature(x=(-1, 2), y=(1, 2)))

    assert config["max_batch_size"] == 0
    assert "dynamic_batching" not in config
    assert config["input"][0]["dims"] == [-1, 2]


def test_a_sequence_model_gets_no_dynamic_batching() -> None:
    config = {**empty(8), "sequence_batching": {}}

    ort_contract.complete(config, signature(x=(-1, 2), y=(-1, 2)))

    assert "dynamic_batching" not in config


def test_a_batch_size_that_the_model_cannot_have_is_refused() -> None:
    with pytest.raises(ort_release.LoadError, match="does not support batching"):
        ort_contract.complete(empty(8), signature(x=(1, 2), y=(1, 2)))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("BATCH_ELEMENT_COUNT", [6, 4]),
        ("BATCH_ACCUMULATED_ELEMENT_COUNT", [6, 10]),
        ("BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO", [0, 6, 10]),
        ("BATCH_MAX_ELEMENT_COUNT_AS_SHAPE", [0] * 6),
        ("BATCH_ITEM_SHAPE", [[3], [3], [4]]),
        ("BATCH_ITEM_SHAPE_FLATTEN", [3, 3, 4]),
    ],
)
def test_batch_inputs_describe_the_requests(kind: str, expected: list[Any]) -> None:
    shapes = [(2, 3), (1, 4)]

    tensor = ort_batch.batch_input(kind, "TYPE_INT32", shapes)

    assert tensor.dtype == np.int32
    assert tensor.tolist() == expected
    assert ort_batch.batch_input(kind, "TYPE_FP32", shapes).dtype == np.float32


def job(position: int, **feed: Any) -> ort_batch.Job:
    return ort_batch.Job(position=position, request=None, feed=feed, wanted=frozenset())


@given(rows=st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_what_is_joined_comes_apart_again(rows: list[int]) -> None:
    jobs = [job(at, x=np.full((count, 2), at)) for at, count in enumerate(rows)]

    joined = ort_batch.join([item.feed for item in jobs], frozenset())["x"]

    for item, part in zip(jobs, ort_batch.split(jobs, "y", joined), strict=True):
        np.testing.assert_array_equal(part, item.feed["x"])


def test_a_lone_request_is_not_copied() -> None:
    x = np.ones((2, 2))

    joined = ort_batch.join([{"x": x}], frozenset())["x"]

    assert joined is x
    assert ort_batch.split([job(0, x=x)], "y", x)[0] is x


def test_requests_are_grouped_by_shape_but_for_rows_and_ragged_inputs() -> None:
    jobs = [job(at, x=np.ones((at, shape))) for at, shape in enumerate([2, 3, 2])]

    def positions(ragged: frozenset[str]) -> list[list[int]]:
        return [[item.position for item in group] for group in ort_batch.groups(jobs, ragged)]

    assert positions(frozenset()) == [[0, 2], [1]]
    assert positions(frozenset({"x"})) == [[0, 1, 2]]


def test_an_output_with_other_rows_is_an_error() -> None:
    jobs = [job(at, x=np.ones((1, 2))) for at in range(2)]

    with pytest.raises(ValueError, match=r"the shape \[3,1\], but the batch has 2 rows"):
        ort_batch.split(jobs, "y", np.ones((3, 1)))


class Request:
    """As much of a request as the state of sequences looks at."""

    def __init__(self, key: int | str, flags: int = 0) -> None:
        self.correlation_id = lambda: key
        self.flags = lambda: flags


STATES = {
    "max_batch_size": 2,
    "sequence_batching": {
        "max_sequence_idle_microseconds": 0,
        "state": [
            {"input_name": "i", "output_name": "o", "data_type": "TYPE_INT32", "dims": ["-1"]}
        ],
    },
}


def test_state_without_initial_state_is_zero_whatever_triton_sends() -> None:
    states = ort_state.SequenceStates(STATES)
    garbage = {"i": np.full((1, 3), 7, np.int32)}

    assert states.inputs(Request(5, ort_state.START), garbage)["i"].tolist() == [[0, 0, 0]]
    assert states.inputs(Request(6, ort_state.START), {})["i"].tolist() == [[0]]


def test_a_sequence_that_ended_or_never_began_has_no_state() -> None:
    states = ort_state.SequenceStates(STATES)
    states.inputs(Request(5, ort_state.START), {})
    states.keep(Request(5, ort_state.END), {"o": np.zeros((1, 1))})

    for key in (5, 6):
        with pytest.raises(LookupError, match=f"sequence {key} is not here"):
            states.inputs(Request(key), {})


def test_idle_sequences_go_when_there_are_more_than_triton_lets_live() -> None:
    states = ort_state.SequenceStates(STATES)
    for key in (1, 2, 3, 4):
        states.inputs(Request(key, ort_state.START), {})
        states.keep(Request(key), {"o": np.full((1, 1), key)})

    for gone in (1, 2):
        with pytest.raises(LookupError):
            states.inputs(Request(gone), {})
    assert [states.inputs(Request(key), {})["i"].item() for key in (3, 4)] == [3, 4]
