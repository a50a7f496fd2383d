"""Any configuration that protobuf can hold comes back equal; any text at all gives no traceback."""

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.import_repository.conftest import WRITES_PYTHON, differences, write
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.cli.import_ import rebuilder
from tritongen.errors import SpecError
from tritongen.formats import pbtxt
from tritongen.records.finding import Finding
from tritongen.stages.adopt import Adopted, adopt
from tritongen.stages.adopt.attempt import Stop
from tritongen.stages.adopt.repairs import mistakes, parse
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve

CALM = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "x",
        "a b",
        "308",
        "null",
        "~",
        "${x}",
        "$${",
        "- a",
        "a: b",
        "#",
        "{}",
        "FP32[1]",
        "name",
        "a\n b",
    ]
)
INTEGERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1),
            "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1)}  # fmt: skip
KINDS = {
    1: st.floats(allow_nan=False, allow_infinity=False),
    2: st.floats(allow_nan=False, allow_infinity=False, width=32),
    3: st.integers(*INTEGERS["int64"]),
    4: st.integers(*INTEGERS["uint64"]),
    5: st.integers(*INTEGERS["int32"]),
    8: st.booleans(),
    9: NAMES,
    13: st.integers(*INTEGERS["uint32"]),
}


@st.composite
def messages(draw: Any, descriptor: Any, depth: int = 0) -> dict[str, Any]:
    """Draw the fields of a message as Python values, most of them left out."""
    fields = {}
    chosen = {
        oneof.name: draw(st.sampled_from(list(oneof.fields))).name for oneof in descriptor.oneofs
    }
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof is not None and chosen[oneof.name] != field.name:
            continue
        if draw(st.integers(0, 2 + depth)) == 0:
            fields[field.name] = draw(values(field, depth))
    return fields


def values(field: Any, depth: int) -> st.SearchStrategy[Any]:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
        return st.dictionaries(KINDS[key.type], one(value, depth), max_size=3)
    return st.lists(one(field, depth), max_size=3) if field.is_repeated else one(field, depth)


def one(field: Any, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, depth + 1)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return KINDS[field.type]


def imported(folder: Path, files: dict[str, str | bytes]) -> tuple[Adopted, Path]:
    repository = write(folder / "repository", files)
    with rebuilder(folder / "spec.yaml") as rebuild:
        adopted = adopt(repository, folder, rebuild)
    (folder / "spec.yaml").write_text(adopted.text, "utf-8")
    return adopted, repository


def hold(folder: Path, adopted: Adopted, repository: Path) -> None:
    spec = load([folder / "spec.yaml"], {})
    tree = render(resolve(spec, probe(spec, folder)))
    assert differences(repository, tree, set(adopted.left_out)) == {}
    assert adopted.different == ()


@CALM
@given(fields=messages(ModelConfig.DESCRIPTOR))
def test_any_configuration_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    config = ModelConfig(**fields)
    files: dict[str, str | bytes] = {
        "m/config.pbtxt": pbtxt.write(config),
        "m/1/model.py": WRITES_PYTHON,
    }
    codes = ["TG076"]  # a step of no model that could exist
    try:
        hold(folder, *imported(folder, files))
    except SpecError as error:
        codes = [found.code for found in error.findings if found.severity == "error"]
    assert codes == ["TG076"]


@st.composite
def mutated(draw: Any) -> str:
    """Draw a configuration's text with a few changes of the kind that hands make."""
    text = pbtxt.write(ModelConfig(**draw(messages(ModelConfig.DESCRIPTOR))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 6)))
        piece = draw(
            st.sampled_from(
                ['"', "'", "{", "}", "[", "]", ":", ",", "#", "\n", "${x}", "{{ x }}", "1"]
            )
            | st.text(string.printable, max_size=4)
        )
        text = text[:at] + piece + text[end:]
    return text


@CALM
@given(text=mutated() | st.text(max_size=60) | st.binary(max_size=60))
@example(text='name: "')
@example(text="input {" * 300)
@example(text="[" * 300)
@example(text='parameters { key: "\\377" }')
@example(text=b"\xff\xfe")
@example(text=b'name: "\xff"')
@example(text=b"# caf\xe9\nmax_batch_size: 1")
def test_any_text_is_a_configuration_or_has_mistakes_with_places(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    files: dict[str, str | bytes] = {"m/config.pbtxt": text, "m/1/model.py": WRITES_PYTHON}
    findings: Sequence[Finding] = ()
    try:
        findings = imported(folder, files)[0].findings
    except SpecError as error:
        findings = error.findings
        assert findings
    for found in findings:
        assert found.place is not None
        assert found.place.line >= 1
        assert found.place.column >= 1
        assert found.message
        assert found.fix or found.severity != "error"


@CALM
@given(text=mutated())
def test_the_search_for_mistakes_finds_some_and_ends(text: str) -> None:
    if isinstance(parse(text), Stop):
        found = mistakes(Path("config.pbtxt"), text)
        assert 1 <= len(found) <= 21
