"""What is refused at load, and what is let through, beyond the cases seen in the container."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from tritonclient.utils import InferenceServerException

from . import graphs

pytestmark = pytest.mark.server
X = 'name: "x" data_type: TYPE_FP32'
Y = 'name: "y" data_type: TYPE_FP32'
Z = 'name: "z" data_type: TYPE_FP32'
PLAIN = f"input [ {{ {X} dims: [2] }} ] output [ {{ {Y} dims: [2] }} ]"
OPENVINO = 'cpu_execution_accelerator: [ { name: "openvino" } ]'
STATE = """input [ { name: "x" data_type: TYPE_FP32 dims: [1] } ]
    output [ { name: "y" data_type: TYPE_FP32 dims: [1] } ]
    sequence_batching { state [ { %s } ] }"""


def parameter(key: str, value: str) -> str:
    return f'{PLAIN} parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'


def batch_input(target: str, data_type: str = "TYPE_INT32") -> str:
    return f"""input [ {{ {X} dims: [-1] allow_ragged_batch: true }} ]
        output [ {{ name: "y" data_type: TYPE_INT32 dims: [1] }} ]
        batch_input [ {{ kind: BATCH_ELEMENT_COUNT target_name: {target}
            data_type: {data_type} source_input: "x" }} ]"""


REFUSED = {
    "the batch dim is repeated in dims": (
        graphs.identity(["N", 2]),
        PLAIN.replace("[2]", "[-1, 2]"),
        "'x': the model expects 2 dimensions",
    ),
    "an unknown input": (
        graphs.identity(["N", 2]),
        PLAIN.replace('"x"', '"xx"'),
        "unexpected inference input 'xx', allowed inputs are: x",
    ),
    "too many inputs": (
        graphs.identity(["N", 2]),
        PLAIN.replace("input [", f"input [ {{ {X.replace('x', 'w')} dims: [2] }},", 1),
        "configuration expects 2 inputs, model provides 1",
    ),
    "an output of another type": (
        graphs.identity(["N", 2]),
        PLAIN.replace(Y, Y.replace("FP32", "INT32")),
        "expects datatype TYPE_INT32 for output 'y', model provides TYPE_FP32",
    ),
    "bfloat16": (
        graphs.identity(["N", 2], T.BFLOAT16),
        PLAIN.replace("FP32", "BF16"),
        "'x', model provides tensor(bfloat16)",
    ),
    "an optional input that the model needs": (
        graphs.identity([2]),
        "max_batch_size: 0 " + PLAIN.replace("dims: [2] }", "dims: [2] optional: true }", 1),
        "configuration expects 0 inputs, model provides 1",
    ),
    "an optional input of a model that batches": (
        graphs.identity(["N", 2]),
        PLAIN.replace("dims: [2] }", "dims: [2] optional: true }", 1),
        "optional input 'x' is not supported for models that support batching",
    ),
    "ragged batches of an input with dimensions": (
        graphs.identity(["N", "S"]),
        PLAIN.replace("dims: [2] }", "dims: [-1] allow_ragged_batch: true }", 1),
        "ragged input 'x' must be required and have the shape [-1] in the model",
    ),
    "a batch input that the model does not have": (
        graphs.echo_batch_input(["N"]),
        batch_input('"nowhere"'),
        "batch_input has the target 'nowhere', but the model has no such input",
    ),
    "a batch input of another type": (
        graphs.echo_batch_input(["N"]),
        batch_input('"b"', "TYPE_FP32"),
        "expects datatype TYPE_FP32 for batch input 'b'",
    ),
    "a tensor sequence as output": (
        graphs.model(
            [graphs.node("SequenceConstruct", "x", "y")],
            [graphs.tensor("x", ["N", 2])],
            [onnx.helper.make_tensor_sequence_value_info("y", T.FLOAT, None)],
        ),
        PLAIN,
        "'y' is a seq(tensor(float))",
    ),
    "a state input that the model does not have": (
        graphs.accumulator(),
        STATE % 'input_name: "old" output_name: "next" data_type: TYPE_FP32 dims: [1]',
        "the model has no input 'old'",
    ),
    "a state output that the model does not have": (
        graphs.accumulator(),
        STATE % 'input_name: "state" output_name: "new" data_type: TYPE_FP32 dims: [1]',
        "unexpected inference output 'new'",
    ),
    "a state of another type": (
        graphs.accumulator(),
        STATE % 'input_name: "state" output_name: "next" data_type: TYPE_INT32 dims: [1]',
        "expects datatype TYPE_INT32 for input state 'state', model provides TYPE_FP32",
    ),
    "a state of another rank": (
        graphs.accumulator(),
        STATE % 'input_name: "state" output_name: "next" data_type: TYPE_FP32 dims: [1, 1]',
        "'state' has the shape [-1,1] in the model, but dims [1,1]",
    ),
    "a control of another type": (
        graphs.accumulator(),
        STATE.replace(
            "state [",
            """control_input [ { name: "state" control [
                { kind: CONTROL_SEQUENCE_START int32_false_true: [0, 1] } ] } ] state [""",
        )
        % 'input_name: "state" output_name: "next" data_type: TYPE_FP32 dims: [1]',
        "datatype TYPE_INT32 for sequence control 'state'",
    ),
    "a state that is left out": (
        graphs.accumulator(),
        STATE.split("sequence")[0],
        "configuration expects 1 inputs, model provides 2 (the model also needs 'state')",
    ),
    "an operator library that is not there": (
        graphs.identity(["N", 2]),
        PLAIN + ' model_operations { op_library_filename: "/nowhere/libops.so" }',
        "libops.so",
    ),
    "a thread count that is no number": (
        graphs.identity(["N", 2]),
        parameter("inter_op_thread_count", "many"),
        "failed to convert 'many' to integral number",
    ),
}


@pytest.fixture(scope="module")
def refusals(server: Any) -> dict[str, str]:
    """Why each was refused, empty if it was not; four at a time, for a load is mostly waiting."""

    def refusal(case: str) -> str:
        model, config, _ = REFUSED[case]
        batch = "" if "max_batch_size" in config else "max_batch_size: 8"
        try:
            server.deploy(model, f'backend: "onnxruntime" {batch} {config}')
        except InferenceServerException as error:
            return str(error.message())
        return ""

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(REFUSED, pool.map(refusal, REFUSED), strict=True))


@pytest.mark.parametrize("case", REFUSED)
def test_refused_at_load(case: str, refusals: dict[str, str]) -> None:
    assert "load failed" in refusals[case]
    assert REFUSED[case][2] in refusals[case]


def test_everything_wrong_is_said_at_once(triton: Any) -> None:
    config = PLAIN.replace("[2]", "[3]").replace(Y, Z)

    with pytest.raises(Exception, match="load failed") as refused:
        triton.deploy(
            graphs.identity(["N", 2]), f'backend: "onnxruntime" max_batch_size: 8 {config}'
        )

    assert "tensor 'x'" in refused.value.message()
    assert "unexpected inference output 'z'" in refused.value.message()


@pytest.mark.parametrize(
    "options",
    [
        parameter("intra_op_thread_count", "2 threads"),
        parameter("enable_mem_arena", "OFF"),
        parameter("enable_mem_pattern", "1"),
        parameter("session.use_device_allocator_for_initializers", "1"),
        parameter("memory.enable_memory_arena_shrinkage", "cpu:0"),
        f"{PLAIN} optimization {{ graph {{ level: 2 }} }}",
        f"{PLAIN} optimization {{ graph {{ level: 7 }} }}",
        f"{PLAIN} optimization {{ execution_accelerators {{ {OPENVINO} }} }}",
    ],
)
def test_options_are_taken(triton: Any, options: str) -> None:
    name = triton.deploy(
        graphs.identity(["N", 2]), f'backend: "onnxruntime" max_batch_size: 8 {options}'
    )

    assert triton.infer(name, x=np.ones((1, 2), np.float32))["y"].tolist() == [[1, 1]]


def test_weights_beside_the_model_are_found(triton: Any) -> None:
    model = graphs.model(
        [graphs.node("Add", "x w", "y")],
        [graphs.tensor("x", ["N", 2])],
        [graphs.tensor("y", ["N", 2])],
        w=np.array([3, 4], np.float32),
    )
    folder = triton.repository / "external" / "1"
    folder.mkdir(parents=True)
    onnx.save(
        model, folder / "model.onnx", save_as_external_data=True, location="w", size_threshold=0
    )

    triton.client.load_model("external")

    assert (folder / "w").exists()
    assert triton.infer("external", x=np.ones((1, 2), np.float32))["y"].tolist() == [[4, 5]]


def test_several_tensors_are_filled_in(triton: Any) -> None:
    model = graphs.model(
        [graphs.node("Add", "a b", "sum"), graphs.node("Identity", "a", "same")],
        [graphs.tensor("a", ["N", "S", 3]), graphs.tensor("b", ["N", 1, 1])],
        [graphs.tensor("sum", ["N", "S", 3]), graphs.tensor("same", ["N", "S", 3])],
    )
    name = triton.deploy(model, 'backend: "onnxruntime"')

    config = triton.client.get_model_config(name).config
    assert config.max_batch_size == 4
    assert config.HasField("dynamic_batching")
    assert {item.name: list(item.dims) for item in config.input} == {"a": [-1, 3], "b": [1, 1]}
    assert {item.name: list(item.dims) for item in config.output} == {
        "sum": [-1, 3],
        "same": [-1, 3],
    }


def test_without_auto_completion_a_configuration_is_checked_all_the_same(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    strict = start(tmp_path, auto_complete=False)

    strict.deploy(graphs.identity(["N", 2]), f'backend: "onnxruntime" max_batch_size: 8 {PLAIN}')
    with pytest.raises(Exception, match="unexpected inference output 'z'"):
        strict.deploy(
            graphs.identity(["N", 2]),
            f'backend: "onnxruntime" max_batch_size: 8 {PLAIN.replace(Y, Z)}',
        )


def test_the_repository_is_only_read(triton: Any) -> None:
    name = triton.deploy(
        graphs.identity(["N", 2]), f'backend: "onnxruntime" max_batch_size: 8 {PLAIN}'
    )
    folder = triton.repository / name
    before = {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}

    triton.infer(name, x=np.ones((1, 2), np.float32))
    triton.client.unload_model(name)
    triton.client.load_model(name)

    assert {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))} == before
