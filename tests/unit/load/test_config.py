"""Triton's own fields: whatever a ``ModelConfig`` can hold, a spec can say."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.load.conftest import Read
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.stages.load import load

CONFIGS = [
    ("max_batch_size: 0", "", {"max_batch_size"}),
    ("dynamic_batching: {}", "dynamic_batching {}", {"dynamic_batching"}),
    ("dynamic_batching: true", "dynamic_batching {}", {"dynamic_batching"}),
    ("dynamic_batching: false", "", {"dynamic_batching"}),
    ("dynamic_batching: null", "", set()),
    (
        "dynamic_batching: false\nsequence_batching: {oldest: {}}",
        "sequence_batching { oldest {} }",
        {"dynamic_batching", "sequence_batching"},
    ),
    ("version_policy: {all: {}}", "version_policy { all {} }", {"version_policy"}),
    (
        "model_transaction_policy: {decoupled: false}",
        "model_transaction_policy {}",
        {"model_transaction_policy"},
    ),
    (
        "instance_group: {kind: cpu, count: 2, gpus: 0}",
        "instance_group { kind: KIND_CPU count: 2 gpus: 0 }",
        {"instance_group"},
    ),
    (
        "instance_group: [{kind: KIND_GPU}, {kind: Kind_Model}]",
        "instance_group { kind: KIND_GPU } instance_group { kind: KIND_MODEL }",
        {"instance_group"},
    ),
    (
        "parameters: {a: 5, b: true, c: {string_value: no}, d: ''}",
        'parameters { key: "a" value { string_value: "5" } } '
        'parameters { key: "b" value { string_value: "true" } } '
        'parameters { key: "c" value { string_value: "no" } } '
        'parameters { key: "d" value { string_value: "" } }',
        {"parameters"},
    ),
    (
        "batch_input: {kind: element_count, target_name: n, data_type: fp32, source_input: x}",
        'batch_input { kind: BATCH_ELEMENT_COUNT target_name: "n" data_type: TYPE_FP32 '
        'source_input: "x" }',
        {"batch_input"},
    ),
    (
        "batch_output: {target_name: y, kind: scatter_with_input_shape, source_input: x}",
        'batch_output { target_name: "y" source_input: "x" }',
        {"batch_output"},
    ),
    (
        "optimization: {priority: max, graph: {level: -1}}",
        "optimization { priority: PRIORITY_MAX graph { level: -1 } }",
        {"optimization"},
    ),
    (
        "dynamic_batching: {priority_queue_policy: {1: {timeout_action: delay}}}",
        "dynamic_batching { priority_queue_policy { key: 1 value { timeout_action: DELAY } } }",
        {"dynamic_batching"},
    ),
    (
        "sequence_batching:\n"
        "  state: {input_name: i, output_name: o, data_type: FP32, dims: [2, 3], "
        "initial_state: zero}\n"
        "  control_input: {name: c, control: {kind: start, fp32_false_true: [0, 1.5]}}",
        'sequence_batching { state { input_name: "i" output_name: "o" data_type: TYPE_FP32 '
        'dims: [2, 3] initial_state { name: "i" data_type: TYPE_FP32 dims: [2, 3] '
        'zero_data: true } } control_input { name: "c" control { '
        "kind: CONTROL_SEQUENCE_START fp32_false_true: [0, 1.5] } } }",
        {"sequence_batching"},
    ),
    (
        "model_warmup: {name: w, batch_size: 1, inputs: {x: {data_type: BYTES, dims: 1, "
        "input_data_file: raw}}}",
        'model_warmup { name: "w" batch_size: 1 inputs { key: "x" value { '
        'data_type: TYPE_STRING dims: 1 input_data_file: "raw" } } }',
        {"model_warmup"},
    ),
]


@pytest.mark.parametrize(("said", "pbtxt", "names"), CONFIGS, ids=[case[0] for case in CONFIGS])
def test_fields_are_said_in_tritons_words(
    read: Read, said: str, pbtxt: str, names: set[str]
) -> None:
    indented = said.replace("\n", "\n    ")
    model = read(f"models:\n  a:\n    source: x\n    {indented}\n").models["a"]
    assert model.config == text_format.Parse(pbtxt, ModelConfig())
    assert model.said == names


TENSORS = [
    ("{x: 'FP32[3,224,-1]'}", 'name: "x" data_type: TYPE_FP32 dims: [3, 224, -1]'),
    ("{x: ' TYPE_STRING [ 1 ] '}", 'name: "x" data_type: TYPE_STRING dims: 1'),
    (
        "{x: 'INT32[1] optional reshape[]'}",
        'name: "x" data_type: TYPE_INT32 dims: 1 optional: true reshape {}',
    ),
    (
        "{x: 'UINT8[4,4,3] nhwc ragged reshape[ 16, 3 ]'}",
        'name: "x" data_type: TYPE_UINT8 dims: [4, 4, 3] format: FORMAT_NHWC '
        "allow_ragged_batch: true reshape { shape: [16, 3] }",
    ),
    (
        "{x: {data_type: bool, dims: 3, reshape: {shape: []}, format: nchw}}",
        'name: "x" data_type: TYPE_BOOL dims: 3 reshape {} format: FORMAT_NCHW',
    ),
    ("[x]", 'name: "x"'),
    ("x", 'name: "x"'),
    ("[{x: {}}]", 'name: "x"'),
    ("[{name: x}]", 'name: "x"'),
    ("[{name: 'FP32[1]'}]", 'name: "name" data_type: TYPE_FP32 dims: 1'),
    ("[{name: x, data_type: FP64, dims: [1]}]", 'name: "x" data_type: TYPE_FP64 dims: 1'),
    ("[{x: 'BF16[1]'}]", 'name: "x" data_type: TYPE_BF16 dims: 1'),
    ("{308: 'FP32[1]'}", 'name: "308" data_type: TYPE_FP32 dims: 1'),
    ("{Merchant City: 'FP32[1]'}", 'name: "Merchant City" data_type: TYPE_FP32 dims: 1'),
    ("{Errors?: 'FP32[1]'}", 'name: "Errors?" data_type: TYPE_FP32 dims: 1'),
    ("{'a/b:0': 'FP32[1]'}", 'name: "a/b:0" data_type: TYPE_FP32 dims: 1'),
]


@pytest.mark.parametrize(("said", "pbtxt"), TENSORS, ids=[case[0] for case in TENSORS])
def test_a_tensor_is_short_text_a_message_or_a_bare_name(read: Read, said: str, pbtxt: str) -> None:
    config = read(f"models:\n  a:\n    source: x\n    input: {said}\n").models["a"].config
    assert config == text_format.Parse(f"input {{ {pbtxt} }}", ModelConfig())


def test_a_list_holds_one_name_twice_in_order(read: Read) -> None:
    spec = read("models: {a: {source: x, output: [{b: 'FP32[1]'}, a, {b: 'INT8[2]'}]}}\n")
    assert [tensor.name for tensor in spec.models["a"].config.output] == ["b", "a", "b"]


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cn"], exclude_characters="\ufeff")
)
SCALARS: dict[int, Any] = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32, allow_nan=False, allow_infinity=False),
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
}


@st.composite
def messages(draw: st.DrawFn, message: Any) -> Any:
    """Any message: a few of its fields, at most one of each oneof."""
    fields = message.DESCRIPTOR.fields_by_name
    order = draw(st.permutations(list(fields)))
    for field in [fields[name] for name in order[: draw(st.integers(0, 4))]]:
        group = field.containing_oneof
        if group is not None and message.WhichOneof(group.name):
            continue
        target = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entry = field.message_type.fields_by_name
            key = draw(SCALARS[entry["key"].type])
            if entry["value"].message_type is None:
                target[key] = draw(SCALARS[entry["value"].type])
            else:
                draw(messages(target[key]))
        elif field.message_type is not None and field.is_repeated:
            for _ in range(draw(st.integers(1, 2))):
                draw(messages(target.add()))
        elif field.message_type is not None:
            target.SetInParent()
            draw(messages(target))
        else:
            numbers = [v.number for v in field.enum_type.values] if field.enum_type else None
            values = st.sampled_from(numbers) if numbers else SCALARS[field.type]
            if field.is_repeated:
                target.extend(draw(st.lists(values, max_size=3)))
            else:
                setattr(message, field.name, draw(values))
    return message


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spec") / "spec.yaml"


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_config_is_said_field_by_field_and_read_back_equal(
    path: Path, data: st.DataObject
) -> None:
    config: Any = data.draw(messages(ModelConfig()))
    config.ClearField("name")
    for number, tensor in enumerate([*config.input, *config.output]):
        tensor.name = tensor.name or str(number)
    said = MessageToDict(config, preserving_proto_field_name=True)
    text = yaml.safe_dump({"models": {"a": {"source": "x", **said}}})
    path.write_text(text.replace("${", "$${"), "utf-8")
    read_back = load([path], {}).models["a"].config
    assert read_back == config
