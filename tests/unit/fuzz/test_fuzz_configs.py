"""Random configurations survive the way from the spec to ``config.pbtxt`` and back."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.fuzz.rounds import tries
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.errors import SpecError
from tritongen.formats import pbtxt
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve
from tritongen.testing.cases import facts_of

NOT_SAID = {"name", "ensemble_scheduling", "input", "output"}
"""The key of the entry; a model has no steps; tensors have their own tests, ``files`` facts."""
FILES = {"files": {"m": {"input": {"x": "FP32[-1,4]"}, "output": {"y": "FP32[-1,3]"}}}}
WORDS = st.sampled_from(["a", "308", "no", "true", "1e3", "$$x", "ä:", 'q"q', "x", "y", ""])


def scalars(field: Any) -> st.SearchStrategy[Any]:
    kinds = {
        field.CPPTYPE_BOOL: st.booleans(),
        field.CPPTYPE_STRING: WORDS,
        field.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 9),
        field.CPPTYPE_UINT32: st.integers(0, 9) | st.just(2**32 - 1),
        field.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 9),
        field.CPPTYPE_UINT64: st.integers(0, 9) | st.just(2**64 - 1),
        field.CPPTYPE_FLOAT: st.floats(-10, 10, width=32),
        field.CPPTYPE_DOUBLE: st.floats(-10, 10),
    }
    if field.cpp_type == field.CPPTYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return kinds[field.cpp_type]


@st.composite
def messages(draw: Any, message: Any, depth: int = 0) -> Any:
    """Fill some of a message's fields, at most one of each ``oneof``."""
    chosen: set[str] = set()
    for field in message.DESCRIPTOR.fields:
        group = field.containing_oneof.name if field.containing_oneof else field.name
        if (field.name in NOT_SAID and not depth) or group in chosen:
            continue
        if not draw(st.integers(0, 7 if depth == 0 else 2)):
            chosen.add(group)
            _fill(draw, message, field, depth)
    return message


def _fill(draw: Any, message: Any, field: Any, depth: int) -> None:
    target = getattr(message, field.name)
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        value = inner.fields_by_name["value"]
        for key in draw(st.lists(scalars(inner.fields_by_name["key"]), max_size=2, unique=True)):
            if value.message_type is None:
                target[key] = draw(scalars(value))
            else:
                draw(messages(target[key], depth + 1))
    elif inner is not None and field.is_repeated:
        for _ in range(draw(st.integers(1, 2))):
            draw(messages(target.add(), depth + 1))
    elif inner is not None:
        target.SetInParent()
        draw(messages(target, depth + 1))
    elif field.is_repeated:
        target.extend(draw(st.lists(scalars(field), min_size=1, max_size=3)))
    else:
        setattr(message, field.name, draw(scalars(field)))


def as_entry(config: Any) -> dict[str, Any]:
    said = MessageToDict(config, preserving_proto_field_name=True)
    return {"source": "m.onnx", "complete": False, **said}


@tries(120)
@given(config=st.builds(ModelConfig).flatmap(messages))
def test_a_configuration_is_the_same_after_spec_and_pbtxt(
    tmp_path_factory: pytest.TempPathFactory, config: Any
) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "spec.yaml"
    text = yaml.safe_dump({"models": {"m": as_entry(config)}}, allow_unicode=True)
    path.write_text(text.replace("${", "$${"), "utf-8")
    try:
        spec = load([path], {})
    except SpecError as refused:
        pytest.fail("\n".join(f.message for f in refused.findings) + "\n" + text)
    plan = resolve(spec, facts_of(FILES, path.parent))
    config.name = "m"
    assert plan.models["m"].config == config
    assert pbtxt.read(pbtxt.write(config)) == config
    assert all(finding.message for finding in check(plan))
    assert render(plan).entries
