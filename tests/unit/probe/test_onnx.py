"""What an ONNX file says, and what is refused."""

import gzip
import pickle
import random
from contextlib import suppress
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data
from tests.unit.probe.onnx_models import identity, model, value, weighted

from tritongen.errors import SpecError
from tritongen.parts.backends import onnxruntime
from tritongen.parts.backends._skeleton import DamagedError, skeleton
from tritongen.records.facts import Inspection


def inspect(proto: onnx.ModelProto, folder: Path) -> Inspection:
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    return onnxruntime.inspect(folder / "m.onnx", "m.onnx")


def test_names_types_shapes_symbols_and_versions_are_read(tmp_path: Path) -> None:
    found = inspect(identity(ir=9, opsets={"": 17, "ai.onnx.ml": 3}), tmp_path)
    assert found.inputs is not None
    assert [(t.name, t.data_type, t.shape, t.symbols) for t in found.inputs] == [
        ("x", "TYPE_FP32", (-1, 4), ("N", None))
    ]
    assert (found.ir_version, found.opsets) == (9, {"": 17, "ai.onnx.ml": 3})


def test_the_default_domain_has_one_name(tmp_path: Path) -> None:
    assert inspect(identity(opsets={"ai.onnx": 12}), tmp_path).opsets == {"": 12}


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (TensorProto.FLOAT16, "TYPE_FP16"),
        (TensorProto.DOUBLE, "TYPE_FP64"),
        (TensorProto.BFLOAT16, "TYPE_BF16"),
        (TensorProto.STRING, "TYPE_STRING"),
        (TensorProto.BOOL, "TYPE_BOOL"),
        (TensorProto.UINT8, "TYPE_UINT8"),
        (TensorProto.INT64, "TYPE_INT64"),
        (TensorProto.COMPLEX64, "TYPE_INVALID"),
        (TensorProto.FLOAT8E4M3FN, "TYPE_INVALID"),
        (TensorProto.INT4, "TYPE_INVALID"),
    ],
)
def test_element_types_have_tritons_names(element: int, expected: str, tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    proto = model([node], [value("x", [1], element)], [value("y", [1], element)])
    found = inspect(proto, tmp_path)
    assert found.inputs is not None
    assert found.inputs[0].data_type == expected


def test_an_initializer_listed_as_input_is_hidden_up_to_ir_3_and_optional_after(
    tmp_path: Path,
) -> None:
    proto = weighted()
    proto.graph.input.append(value("w", [4, 5]))
    proto.ir_version = 3
    old = inspect(proto, tmp_path)
    proto.ir_version = 4
    new = inspect(proto, tmp_path)
    assert [(t.name, t.optional) for t in old.inputs or ()] == [("x", False)]
    assert [(t.name, t.optional) for t in new.inputs or ()] == [("x", False), ("w", True)]


@pytest.mark.parametrize(
    ("given_shape", "declared", "expected"),
    [
        (["N", 10], ["N", "M"], (-1, 10)),  # more fixed by the operators
        (["N", "M"], ["N", 11], (-1, 11)),  # more fixed by the file
        (["N", 10], None, (-1, 10)),
        (["N", 10], ["N", 11], (-1, -1)),  # they disagree
        (["N", 10], ["N", 10, 1], None),  # even about the rank
        (None, None, None),
        ([-1, 10], [-1, 10], (-1, 10)),
        ([], [], ()),
    ],
)
def test_output_shapes_are_those_that_onnxruntime_computes(
    given_shape: list[int | str] | None,
    declared: list[int | str] | None,
    expected: tuple[int, ...] | None,
    tmp_path: Path,
) -> None:
    onnxruntime_package = pytest.importorskip("onnxruntime")
    onnxruntime_package.set_default_logger_severity(4)
    found = inspect(identity(given_shape, declared), tmp_path)
    assert found.outputs is not None
    assert found.outputs[0].shape == expected
    session = onnxruntime_package.InferenceSession(
        str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"]
    )
    sizes = session.get_outputs()[0].shape  # it has no word for an unknown rank
    computed = tuple(size if isinstance(size, int) else -1 for size in sizes)
    assert computed == (expected or ())


def test_an_output_without_a_type_gets_the_computed_one(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    found = inspect(
        model([node], [value("x", ["N", 4])], [onnx.ValueInfoProto(name="y")]), tmp_path
    )
    assert found.outputs is not None
    assert (found.outputs[0].data_type, found.outputs[0].shape) == ("TYPE_FP32", (-1, 4))


def test_sizes_of_minus_one_before_a_slice_do_not_end_the_process(tmp_path: Path) -> None:
    bounds = {"start": -1, "end": -100, "axis": 1, "step": 1}
    constants = [helper.make_tensor(k, TensorProto.INT64, [1], [v]) for k, v in bounds.items()]
    node = helper.make_node("Slice", ["x", *bounds], ["y"])
    ends = [value("x", ["N", -1])], [value("y", ["N", "M"])]
    found = inspect(model([node], *ends, initializers=constants), tmp_path)
    assert found.outputs is not None
    assert found.outputs[0].shape == (-1, -1)


def test_unknown_operators_and_future_opsets_are_left_to_the_checks(tmp_path: Path) -> None:
    node = helper.make_node("Mystery", ["x"], ["y"], domain="com.example")
    proto = model(
        [node], [value("x", ["N"])], [value("y", ["N"])], opsets={"": 99, "com.example": 1}
    )
    found = inspect(proto, tmp_path)
    assert found.outputs is not None
    assert found.outputs[0].shape == (-1,)
    assert found.opsets == {"": 99, "com.example": 1}


def test_data_files_and_their_sizes_are_found_in_initializers_and_nodes(tmp_path: Path) -> None:
    proto = weighted()
    set_external_data(proto.graph.initializer[0], "weights/w.bin", offset=64, length=80)
    proto.graph.initializer[0].ClearField("raw_data")
    constant = helper.make_tensor("c", TensorProto.FLOAT, [1], bytes(4), raw=True)
    set_external_data(constant, "c.bin", length=4)
    constant.ClearField("raw_data")
    proto.graph.node.append(helper.make_node("Constant", [], ["unused"], value=constant))
    assert inspect(proto, tmp_path).data_files == {"c.bin": 4, "weights/w.bin": 144}


def test_inputs_that_are_no_tensors_are_refused_by_name(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    sequence = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None)
    with pytest.raises(SpecError, match=r"no tensors: x \(sequence\)") as error:
        inspect(model([node], [sequence], [value("y", ["N"])]), tmp_path)
    assert error.value.findings[0].code == "TG059"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"\n <!DOCTYPE html><html></html>", "HTML page"),
        (b'{"error": "not found"}', "JSON"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"PK\x03\x04rest", "zip archive"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"\x1c\x00\x00\x00TFL3", "TensorFlow Lite"),
        (b"hello, this is text", "is not an ONNX model"),
        (b"\x08\x08", "no IR version or no graph"),
    ],
)
def test_what_is_no_onnx_file_is_called_what_it_is(
    content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(SpecError, match=said) as error:
        onnxruntime.inspect(tmp_path / "m.onnx", "m.onnx")
    assert error.value.findings[0].code == "TG056"


@given(cut=st.floats(0.05, 0.95))
def test_a_model_cut_anywhere_is_refused_in_words(cut: float, tmp_path_factory: object) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    folder = tmp_path_factory.mktemp("cut")
    content = weighted(rows=400).SerializeToString()
    (folder / "m.onnx").write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(SpecError, match=r"damaged or truncated|not an ONNX model"):
        onnxruntime.inspect(folder / "m.onnx", "m.onnx")


def test_a_file_larger_than_onnx_can_be_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "m.onnx").open("wb") as stream:
        stream.write(b"\x08\x08")
        stream.truncate(2**31)  # sparse
    with pytest.raises(SpecError, match="2 GiB"):
        onnxruntime.inspect(tmp_path / "m.onnx", "m.onnx")


def test_the_skeleton_is_the_model_without_large_values() -> None:
    proto = weighted(rows=4000)
    proto.graph.initializer.append(helper.make_tensor("s", TensorProto.INT64, [1], [7]))
    bare = onnx.ModelProto.FromString(skeleton(memoryview(proto.SerializeToString())))
    proto.graph.initializer[0].ClearField("raw_data")
    assert bare == proto


def test_a_skeleton_of_noise_is_an_error_and_never_another_exception() -> None:
    noise = random.Random(0)
    for _ in range(500):
        content = noise.randbytes(noise.randrange(1, 80))
        with suppress(DamagedError):
            skeleton(memoryview(content))
