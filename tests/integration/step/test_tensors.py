"""Every type goes in and out unchanged, and what the function returns is held to config.pbtxt."""

import numpy as np
import pytest
from tests.integration.step.conftest import Load, tensor

from tritongen.triton import Request, Triton, TritonError
from tritongen.triton.records import Array

pytestmark = pytest.mark.server

VALUES: dict[str, Array] = {
    "BOOL": np.array([[True, False]]),
    "UINT8": np.array([[0, 255]], np.uint8),
    "UINT16": np.array([[0, 65535]], np.uint16),
    "UINT32": np.array([[0, 2**32 - 1]], np.uint32),
    "UINT64": np.array([[0, 2**64 - 1]], np.uint64),
    "INT8": np.array([[-128, 127]], np.int8),
    "INT16": np.array([[-(2**15), 2**15 - 1]], np.int16),
    "INT32": np.array([[-(2**31), 2**31 - 1]], np.int32),
    "INT64": np.array([[-(2**63), 2**63 - 1]], np.int64),
    "FP16": np.array([[-0.5, 65504]], np.float16),
    "FP32": np.array([[-0.1, np.inf]], np.float32),
    "FP64": np.array([[-0.1, 5e-324]], np.float64),
    "STRING": np.array([[b"", b"a\0b\0\0"]], object),
}


X_TO_Y = tensor("input", "x", "FP32") + tensor("output", "y", "FP32")


def test_every_type_goes_in_and_out_unchanged(load: Load, triton: Triton) -> None:
    source = """
        def step(**inputs):
            return {f"out {name}": array for name, array in inputs.items()}
    """
    config = "".join(
        tensor("input", kind, kind, "2") + tensor("output", f"out {kind}", kind, "2")
        for kind in VALUES
    )
    model = load(source, f"max_batch_size: 8\n{config}dynamic_batching {{}}")
    found = triton.infer(Request(model=model, inputs=VALUES)).outputs
    for kind, array in VALUES.items():
        np.testing.assert_array_equal(found[f"out {kind}"], array)
        assert found[f"out {kind}"].dtype == array.dtype


BYTES_STEP = """
    import numpy as np

    RETURNED = {
        "bytes": np.array([b"a\\0", b""], object),
        "str": np.array(["é", "b\\0"], object),
        "mixed": np.array(["é", b"b\\0"], object),
        "numpy str": np.array(["é", "bb"]),
        "list": ["é", b"b\\0"],
        "numpy scalars": np.array([np.bytes_(b"a"), np.str_("b")], object),
        "empty": np.empty(0, object),
        "numpy bytes": np.array([b"a", b"bb"]),
        "numbers": np.array([1, 2], object),
        "floats": np.array([1.0]),
    }

    def step(which):
        return {"y": RETURNED[which[0].decode()]}
"""


def test_text_and_bytes_are_returned_whole_in_every_form(load: Load, triton: Triton) -> None:
    config = tensor("input", "which", "STRING") + tensor("output", "y", "STRING", "-1")
    model = load(BYTES_STEP, f"max_batch_size: 0\n{config}")

    def infer(which: str) -> list[bytes]:
        inputs = {"which": np.array([which], object)}
        found: list[bytes] = triton.infer(Request(model=model, inputs=inputs)).outputs["y"].tolist()
        return found

    assert infer("bytes") == [b"a\0", b""]
    assert infer("str") == infer("mixed") == infer("list") == ["é".encode(), b"b\0"]
    assert infer("numpy str") == ["é".encode(), b"bb"]
    assert infer("numpy scalars") == [b"a", b"b"]
    assert infer("empty") == []
    with pytest.raises(TritonError, match="S2 drops trailing zero bytes: use dtype=object"):
        infer("numpy bytes")
    with pytest.raises(TritonError, match="'y': TYPE_STRING holds bytes or str, got int"):
        infer("numbers")
    with pytest.raises(TritonError, match=r"must be TYPE_STRING \(numpy object\), got TYPE_FP64"):
        infer("floats")


def test_tensors_without_elements_go_in_and_out(load: Load, triton: Triton) -> None:
    source = """
        def step(x, text):
            return {"y": x, "said": text}
    """
    config = "".join(
        tensor(kind, name, data_type, "-1")
        for kind, name, data_type in [
            ("input", "x", "FP32"),
            ("input", "text", "STRING"),
            ("output", "y", "FP32"),
            ("output", "said", "STRING"),
        ]
    )
    model = load(source, f"max_batch_size: 4\n{config}")
    x, text = np.zeros((2, 0), np.float32), np.empty((2, 0), object)
    found = triton.infer(Request(model=model, inputs={"x": x, "text": text})).outputs
    assert (found["y"].shape, found["said"].shape) == ((2, 0), (2, 0))


def test_a_batch_without_rows_passes_from_step_to_step(load: Load, triton: Triton) -> None:
    crops = """
        def step(x):
            return {"y": x[x > 0][:, None]}
    """
    double = """
        def step(x):
            return {"y": x * 2}
    """
    # Triton refuses a batch of 0 rows for a model that batches; one that does not may get it.
    rows = tensor("input", "x", "FP32", "-1, 1") + tensor("output", "y", "FP32", "-1, 1")
    load(crops, f"max_batch_size: 8\n{X_TO_Y}", name="crops", join=False)
    load(double, f"max_batch_size: 0\n{rows}", name="double")
    steps = """
        platform: "ensemble"
        ensemble_scheduling { step [
          { model_name: "crops" model_version: -1
            input_map { key: "x" value: "x" } output_map { key: "y" value: "crop" } },
          { model_name: "double" model_version: -1
            input_map { key: "x" value: "crop" } output_map { key: "y" value: "y" } }
        ] }
    """
    load.ensemble("whole", f"max_batch_size: 8\n{X_TO_Y}{steps}")
    for x in ([[1], [-1], [2]], [[-1], [-1]]):
        inputs = {"x": np.array(x, np.float32)}
        found = triton.infer(Request(model="whole", inputs=inputs)).outputs["y"]
        assert found.tolist() == [[2 * row[0]] for row in x if row[0] > 0]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("{}", "step: must return the outputs ['y'], got []"),
        ("{'y': x, 'z': x}", "step: must return the outputs ['y'], got ['y', 'z']"),
        ("x", "step: must return a dict of arrays, got ndarray"),
        ("None", "step: must return a dict of arrays, got NoneType"),
        (
            "{'y': x.astype(np.float64)}",
            "step: output 'y' must be TYPE_FP32 (numpy float32), got TYPE_FP64 (numpy float64)",
        ),
        (
            "{'y': x.astype(complex)}",
            "step: output 'y' must be TYPE_FP32 (numpy float32),"
            " got no Triton type (numpy complex128)",
        ),
        (
            "{'y': x[:, :1]}",
            "step: output 'y' must have shape [2, 3] for a batch of 2, got [2, 1]",
        ),
        ("{'y': x[:1]}", "step: output 'y' must have shape [2, 3] for a batch of 2, got [1, 3]"),
        ("{'y': x[0]}", "step: output 'y' must have shape [2, 3] for a batch of 2, got [3]"),
        (
            "{'y': x.sum()}",
            "step: output 'y' must have shape [2, 3] for a batch of 2, got []",
        ),
        ("{'y': [[1], [2, 3]]}", "step: output 'y': setting an array element with a sequence"),
        ("1 / 0", "step: ZeroDivisionError: division by zero (user_step.py:5)"),
        ("np.ones(2).reshape(3)", "(user_step.py:5)"),
    ],
)
def test_a_wrong_result_says_what_was_expected_and_found(
    load: Load, triton: Triton, returned: str, message: str
) -> None:
    source = f"""
        import numpy as np

        def step(x):
            return {returned}
    """
    config = tensor("input", "x", "FP32", "3") + tensor("output", "y", "FP32", "3")
    model = load(source, f"max_batch_size: 8\n{config}")
    with pytest.raises(TritonError) as caught:
        triton.infer(Request(model=model, inputs={"x": np.ones((2, 3), np.float32)}))
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_views_of_arrays_are_sent_in_their_order(load: Load, triton: Triton) -> None:
    source = """
        def step(x):
            return {"y": x[:, ::-1]}
    """
    config = tensor("input", "x", "FP32", "3") + tensor("output", "y", "FP32", "3")
    model = load(source, f"max_batch_size: 8\n{config}")
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = triton.infer(Request(model=model, inputs={"x": x})).outputs["y"]
    np.testing.assert_array_equal(found, x[:, ::-1])


def test_only_requested_outputs_are_sent(load: Load, triton: Triton) -> None:
    source = """
        def step(x):
            return {"y": x, "z": x}
    """
    config = tensor("input", "x", "FP32") + (
        tensor("output", "y", "FP32") + tensor("output", "z", "FP32")
    )
    model = load(source, f"max_batch_size: 8\n{config}")
    request = Request(model=model, inputs={"x": np.ones((1, 1), np.float32)}, outputs=["z"])
    assert list(triton.infer(request).outputs) == ["z"]


def test_the_function_sees_and_returns_the_shapes_of_reshape(load: Load, triton: Triton) -> None:
    source = """
        def step(grid, number):
            assert grid.shape[1:] == (2, 2) and number.shape == (len(grid),)
            return {"y": grid * number[:, None, None], "first": number}
    """
    config = (
        tensor("input", "grid", "FP32", "4", "reshape { shape: [2, 2] }")
        + tensor("input", "number", "FP32", "1", "reshape { shape: [] }")
        + tensor("output", "y", "FP32", "4", "reshape { shape: [2, 2] }")
        + tensor("output", "first", "FP32", "1", "reshape { shape: [] }")
    )
    model = load(source, f"max_batch_size: 8\n{config}")
    grid = np.arange(8, dtype=np.float32).reshape(2, 4)
    number = np.array([[2], [3]], np.float32)
    found = triton.infer(Request(model=model, inputs={"grid": grid, "number": number})).outputs
    np.testing.assert_array_equal(found["y"], grid * number)
    np.testing.assert_array_equal(found["first"], number)
