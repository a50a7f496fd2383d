"""What models answer: element types, strings, shapes, batches, one request's fault."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto as T

from . import graphs

pytestmark = pytest.mark.server
EXACT = [
    (T.BOOL, np.bool_),
    (T.UINT8, np.uint8),
    (T.UINT16, np.uint16),
    (T.UINT32, np.uint32),
    (T.UINT64, np.uint64),
    (T.INT8, np.int8),
    (T.INT16, np.int16),
    (T.INT32, np.int32),
    (T.INT64, np.int64),
    (T.FLOAT16, np.float16),
    (T.DOUBLE, np.float64),
]
# A long delay and no smaller preferred size: what a test sends at once becomes one batch.
JOINED = "dynamic_batching { preferred_batch_size: [8] max_queue_delay_microseconds: 300000 }"


def config(x: str, y: str, extra: str = "", batch: int = 8) -> str:
    return f"""backend: "onnxruntime" max_batch_size: {batch}
        input [ {{ name: "x" {x} }} ] output [ {{ name: "y" {y} }} ] {extra}"""


def test_every_element_type_comes_back_with_its_extremes(triton: Any) -> None:
    nodes, inputs, outputs, arrays = [], [], [], {}
    for onnx_type, numpy_type in EXACT:
        name = np.dtype(numpy_type).name
        nodes.append(graphs.node("Identity", name, f"{name}_out"))
        inputs.append(graphs.tensor(name, ["N", 3], onnx_type))
        outputs.append(graphs.tensor(f"{name}_out", ["N", 3], onnx_type))
        arrays[name] = extremes(np.dtype(numpy_type))
    name = triton.deploy(graphs.model(nodes, inputs, outputs), 'backend: "onnxruntime"')

    answer = triton.infer(name, **arrays)

    for key, array in arrays.items():
        assert answer[f"{key}_out"].dtype == array.dtype
        np.testing.assert_array_equal(answer[f"{key}_out"], array)


def extremes(dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if dtype == np.bool_:
        return np.array([[True, False, True]])
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return np.array([[info.min, 0, info.max]], dtype)


def strings(*items: bytes) -> np.ndarray[Any, Any]:
    return np.array([[item] for item in items], object)


def test_strings_come_back_byte_for_byte(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity(["N", 1], T.STRING),
        config("data_type: TYPE_STRING dims: [1]", "data_type: TYPE_STRING dims: [1]"),
    )
    sent = strings("größer 日本 🎉".encode(), b"", b"b'x'", b"x" * 100_000)

    assert triton.infer(name, x=sent)["y"].tolist() == sent.tolist()


def test_a_string_ends_at_its_first_nul_as_in_the_container(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity(["N", 1], T.STRING),
        config("data_type: TYPE_STRING dims: [1]", "data_type: TYPE_STRING dims: [1]"),
    )

    assert triton.infer(name, x=strings(b"ab\0c", b"\0"))["y"].tolist() == [[b"ab"], [b""]]


def test_bytes_that_are_not_utf8_reach_the_model(triton: Any) -> None:
    name = triton.deploy(
        graphs.encoder(),
        config("data_type: TYPE_STRING dims: [1]", "data_type: TYPE_INT64 dims: [1]"),
    )

    answer = triton.infer(name, x=strings(b"b", "ä".encode(), b"\xff", "ä".encode("latin-1")))

    assert answer["y"].tolist() == [[2], [1], [-1], [-1]]


def test_a_string_output_that_is_not_utf8_fails_only_its_own_request(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity(["N", 1], T.STRING),
        config("data_type: TYPE_STRING dims: [1]", "data_type: TYPE_STRING dims: [1]", JOINED),
    )
    sent = [strings(b"a", b"b"), strings(b"\xff"), strings("ä".encode())]

    first, bad, last = triton.together(*(partial(triton.infer, name, x=x) for x in sent))

    assert first["y"].tolist() == [[b"a"], [b"b"]]
    assert "not UTF-8" in bad.message()
    assert last["y"].tolist() == [["ä".encode()]]


def test_requests_of_one_batch_are_one_run_of_the_model(triton: Any) -> None:
    name = triton.deploy(
        graphs.lookup(),
        config("data_type: TYPE_INT64 dims: [1]", "data_type: TYPE_FP32 dims: [1]", JOINED),
    )
    sent = [np.array(rows)[:, None] for rows in ([0, 1], [2], [3, 2, 1])]

    answers = triton.together(*(partial(triton.infer, name, x=x) for x in sent))

    for x, answer in zip(sent, answers, strict=True):
        np.testing.assert_array_equal(answer["y"], x + 10.0)
    assert triton.statistics(name).inference_count == 6
    assert triton.statistics(name).execution_count == 1


def test_a_request_that_the_model_refuses_leaves_the_others_of_its_batch_alone(
    triton: Any,
) -> None:
    name = triton.deploy(
        graphs.lookup(),
        config("data_type: TYPE_INT64 dims: [1]", "data_type: TYPE_FP32 dims: [1]", JOINED),
    )
    sent = [np.array([[index]]) for index in (0, 99, 3)]

    first, bad, last = triton.together(*(partial(triton.infer, name, x=x) for x in sent))

    assert (first["y"], last["y"]) == (10, 13)
    assert "idx=99" in bad.message()
    assert triton.statistics(name).execution_count == 1


def test_each_request_of_a_batch_gets_the_outputs_that_it_asked_for(triton: Any) -> None:
    y = '{ name: "y" data_type: TYPE_FP32 dims: [1] }'
    z = '{ name: "z" data_type: TYPE_INT64 dims: [1] }'
    name = triton.deploy(
        graphs.lookup(),
        f"""backend: "onnxruntime" max_batch_size: 8 output [ {y}, {z} ]
        input [ {{ name: "x" data_type: TYPE_INT64 dims: [1] }} ] {JOINED}""",
    )
    asked: list[tuple[str, ...]] = [("z",), ("y",), (), ("z", "y")]

    answers = triton.together(
        *(partial(triton.infer, name, outputs=names, x=np.array([[2]])) for names in asked)
    )

    assert [sorted(answer) for answer in answers] == [["z"], ["y"], ["y", "z"], ["y", "z"]]
    assert triton.statistics(name).execution_count == 1


def test_concurrent_requests_of_different_shapes_are_all_answered(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity(["N", "S"]),
        config("data_type: TYPE_FP32 dims: [-1]", "data_type: TYPE_FP32 dims: [-1]", JOINED),
    )
    sent = [np.full((1 + i % 2, 1 + i % 3), i, np.float32) for i in range(12)]

    answers = triton.together(*(partial(triton.infer, name, x=x) for x in sent))

    for x, answer in zip(sent, answers, strict=True):
        np.testing.assert_array_equal(answer["y"], x)


def test_a_model_that_does_not_batch_answers_concurrent_requests_one_by_one(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity(["A", "B"]),
        config(
            "data_type: TYPE_FP32 dims: [-1, -1]",
            "data_type: TYPE_FP32 dims: [-1, -1]",
            "dynamic_batching { }",
            batch=0,
        ),
    )
    sent = [np.full((1 + i, 2), i, np.float32) for i in range(6)]

    answers = triton.together(*(partial(triton.infer, name, x=x) for x in sent))

    for x, answer in zip(sent, answers, strict=True):
        np.testing.assert_array_equal(answer["y"], x)


def test_reshape_is_undone_on_the_way_out(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity(["N", 4]),
        config(
            "data_type: TYPE_FP32 dims: [2, 2] reshape { shape: [4] }",
            "data_type: TYPE_FP32 dims: [4, 1] reshape { shape: [4] }",
        ),
    )
    x = np.arange(8, dtype=np.float32).reshape(2, 2, 2)

    np.testing.assert_array_equal(triton.infer(name, x=x)["y"], x.reshape(2, 4, 1))


def test_scalars_of_a_model_are_ones_in_its_configuration(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity([]),
        config("data_type: TYPE_FP32 dims: [1]", "data_type: TYPE_FP32 dims: [1, 1]", batch=0),
    )

    assert triton.infer(name, x=np.array([7], np.float32))["y"].tolist() == [[7]]


def test_an_output_whose_rank_nobody_knows_comes_as_it_is(triton: Any) -> None:
    model = graphs.model(
        [graphs.node("Reshape", "x shape", "y")],
        [graphs.tensor("x", ["K"]), graphs.tensor("shape", ["R"], T.INT64)],
        [graphs.tensor("y", None)],
    )
    name = triton.deploy(model, 'backend: "onnxruntime"')
    x = np.arange(6, dtype=np.float32)

    for shape in ([2, 3], [6], [1, 6, 1]):
        answer = triton.infer(name, x=x, shape=np.array(shape))["y"]
        np.testing.assert_array_equal(answer, x.reshape(shape))


def test_more_values_than_a_scalar_takes_fail_their_request(triton: Any) -> None:
    tensor = "data_type: TYPE_FP32 dims: [1]"
    name = triton.deploy(
        graphs.model(
            [graphs.node("Range", "zero x one", "y")],
            [graphs.tensor("x", [])],
            [graphs.tensor("y", ["K"])],
            zero=np.float32(0),
            one=np.float32(1),
        ),
        config(tensor, "data_type: TYPE_FP32 dims: [-1]", batch=0),
    )

    assert triton.infer(name, x=np.array([3], np.float32))["y"].tolist() == [0, 1, 2]
    with pytest.raises(Exception, match="unexpected shape for input 'x'"):
        triton.infer(name, x=np.array([3, 4], np.float32))


def test_an_initializer_is_the_default_of_an_optional_input(triton: Any) -> None:
    model = graphs.model(
        [graphs.node("Add", "x w", "y")],
        [graphs.tensor("x", [2]), graphs.tensor("w", [2])],
        [graphs.tensor("y", [2])],
        w=np.array([10, 20], np.float32),
    )
    tensor = "data_type: TYPE_FP32 dims: [2]"
    name = triton.deploy(
        model,
        f"""backend: "onnxruntime" output [ {{ name: "y" {tensor} }} ]
        input [ {{ name: "x" {tensor} }}, {{ name: "w" {tensor} optional: true }} ]""",
    )
    one = np.ones(2, np.float32)

    assert triton.infer(name, x=one)["y"].tolist() == [11, 21]
    assert triton.infer(name, x=one, w=one)["y"].tolist() == [2, 2]


def test_an_output_of_another_shape_than_configured_is_an_error(triton: Any) -> None:
    # Declared as dynamic, so the configuration cannot be refused for it.
    model = graphs.model(
        [graphs.node("Concat", "x x", "y", axis=0)],
        [graphs.tensor("x", ["N", 1])],
        [graphs.tensor("y", ["M", 1])],
    )
    tensor = "data_type: TYPE_FP32 dims: [1]"
    name = triton.deploy(model, config(tensor, tensor))

    with pytest.raises(Exception, match=r"'y' has the shape \[6,1\], but the batch has 3 rows"):
        triton.infer(name, x=np.ones((3, 1), np.float32))


def test_repeated_requests_come_from_the_response_cache(triton: Any) -> None:
    tensor = "data_type: TYPE_FP32 dims: [2]"
    name = triton.deploy(
        graphs.identity(["N", 2]), config(tensor, tensor, "response_cache { enable: true }")
    )
    x = np.ones((1, 2), np.float32)

    answers = [triton.infer(name, x=x)["y"].tolist() for _ in range(3)]

    assert answers == [x.tolist()] * 3
    assert triton.statistics(name).inference_stats.cache_hit.count == 2


RAGGED = "data_type: TYPE_FP32 dims: [-1] allow_ragged_batch: true"


def test_ragged_requests_of_different_lengths_are_one_run(triton: Any) -> None:
    ends = """batch_input [ { kind: BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO
        target_name: "ends" data_type: TYPE_INT32 source_input: "x" } ]"""
    name = triton.deploy(
        graphs.ragged_sums(), config(RAGGED, "data_type: TYPE_FP32 dims: [1]", ends + JOINED)
    )
    sent = [np.full((1, length), length, np.float32) for length in (1, 5, 2, 7)]

    answers = triton.together(*(partial(triton.infer, name, x=x) for x in sent))

    assert [answer["y"].tolist() for answer in answers] == [[[1]], [[25]], [[4]], [[49]]]
    assert triton.statistics(name).execution_count == 1


@pytest.mark.parametrize(
    ("kind", "dims", "expected"),
    [
        ("BATCH_ELEMENT_COUNT", ["N"], [[3]]),
        ("BATCH_ACCUMULATED_ELEMENT_COUNT", ["N"], [[3]]),
        ("BATCH_ITEM_SHAPE", ["N", 1], [[3]]),
        ("BATCH_ITEM_SHAPE_FLATTEN", ["N"], [[3]]),
    ],
)
def test_batch_inputs_are_computed_from_their_source(
    triton: Any, kind: str, dims: list[Any], expected: list[list[int]]
) -> None:
    batch_input = f"""batch_input [ {{ kind: {kind} target_name: "b"
        data_type: TYPE_INT32 source_input: "x" }} ]"""
    name = triton.deploy(
        graphs.echo_batch_input(dims),
        config(RAGGED, "data_type: TYPE_INT32 dims: [1]", batch_input),
    )

    assert triton.infer(name, x=np.ones((1, 3), np.float32))["y"].tolist() == expected


def test_a_batch_output_is_split_by_the_shapes_of_its_source(triton: Any) -> None:
    scatter = """batch_output [ { kind: BATCH_SCATTER_WITH_INPUT_SHAPE
        target_name: "y" source_input: "x" } ]"""
    name = triton.deploy(
        graphs.identity(["N"]), config(RAGGED, "data_type: TYPE_FP32 dims: [-1]", scatter + JOINED)
    )
    sent = [np.arange(length, dtype=np.float32)[None] for length in (3, 1, 4)]

    answers = triton.together(*(partial(triton.infer, name, x=x) for x in sent))

    for x, answer in zip(sent, answers, strict=True):
        np.testing.assert_array_equal(answer["y"], x)
    assert triton.statistics(name).execution_count == 1


def test_a_decoupled_model_sends_its_one_response(triton: Any) -> None:
    tensor = "data_type: TYPE_FP32 dims: [2]"
    name = triton.deploy(
        graphs.identity(["N", 2]),
        config(tensor, tensor, "model_transaction_policy { decoupled: true }"),
    )
    x = np.ones((1, 2), np.float32)

    assert [answer["y"].tolist() for answer in triton.stream(name, x=x)] == [x.tolist()]


@pytest.mark.parametrize("dtype", [np.float32, np.object_])
def test_tensors_without_elements_pass(triton: Any, dtype: Any) -> None:
    onnx_type = T.STRING if dtype is np.object_ else T.FLOAT
    tensor = f"data_type: {'TYPE_STRING' if dtype is np.object_ else 'TYPE_FP32'} dims: [-1]"
    name = triton.deploy(graphs.identity(["N", "S"], onnx_type), config(tensor, tensor))

    assert triton.infer(name, x=np.empty((2, 0), dtype))["y"].shape == (2, 0)
