"""No text is read with anything but a spec or findings: never a traceback."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.errors import SpecError
from tritongen.records.spec import Ensemble, Model, Server, Spec, Step
from tritongen.stages.load import load

FULL = """\
tritongen: 1
name: filetype
triton: "24.10"
vars: {N: 64}
x-batch: &batch
  max_batch_size: ${N}
  dynamic_batching: {preferred_batch_size: [16, 32]}
models:
  features:
    <<: *batch
    python: steps/features.py:features
    input:
      content: BYTES[1] optional reshape[]
    output: [{bytes: "INT32[2048]"}, {name: more, data_type: FP32, dims: [-1]}]
    sequence_batching: null
    instance_group: {kind: cpu, count: 2}
    parameters: {a: true, b: {string_value: c}}
  classifier: pkg://magika/model.onnx
ensembles:
  filetype:
    steps:
      - features
      - {model: classifier, version: -1, output: {target_label: scores}}
    versions: [1, 2]
server: {http_port: 8000}
"""
PIECES = [
    *"\t\n:-?*&!|>%@`'\"#,[]{}~$<= \0\x07\x85\ufeff\u2028😀0",
    "null", "true", "<<: *batch", "&a ", "*a", "!!python/object:os.system ", "${", "${N}", "$${",
    "---\n", "- - - ", "{a: {", "[[[[", "\n  ", "9" * 30, "1e999", "'", "\r\n", "? ", "<<:",
]  # fmt: skip


def read_or_refuse(path: Path) -> None:
    try:
        read: Spec | SpecError = load([path], {})
    except SpecError as refused:
        read = refused
    if isinstance(read, SpecError):
        assert read.findings
        for found in read.findings:
            assert found.code.startswith("TG0")
            assert found.place is not None
            assert found.place.line >= 1
            assert found.message.isprintable()
            assert found.fix.isprintable()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spec") / "spec.yaml"


@settings(max_examples=200, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(FULL)), st.integers(0, 12), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    )
)
def test_a_spec_with_pieces_cut_out_and_put_in_is_read_or_refused(
    path: Path, edits: list[tuple[int, int, str]]
) -> None:
    text = FULL
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    path.write_bytes(text.encode())
    read_or_refuse(path)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    read_or_refuse(path)


KEYS = sorted(
    {"models", "ensembles", "server", "name", "vars", "x-a", "a", "1", "", "../b"}
    | set(ModelConfig.DESCRIPTOR.fields_by_name)
    | {key for record in (Model, Ensemble, Step, Server) for key in record.model_fields}
)
SCALARS = st.sampled_from(
    ["", "a", "null", "~", "true", "false", "1", "-1", "FP32[3] optional", "a.py:f", "${N}", "\0"]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    spec=st.fixed_dictionaries(
        {},
        optional={
            "models": VALUES,
            "ensembles": VALUES,
            "server": VALUES,
            "vars": VALUES,
            "name": VALUES,
            "triton": VALUES,
            "tritongen": VALUES,
        },
    ),
    entry=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5),
)
def test_values_of_any_shape_at_any_key_are_read_or_refused(
    path: Path, spec: dict[str, Any], entry: dict[str, Any]
) -> None:
    spec.setdefault("models", {"m": entry})
    spec.setdefault("ensembles", {"e": entry})
    text = yaml.safe_dump(spec)
    path.write_text(text.replace("'null'", "null").replace("''", ""), "utf-8")
    read_or_refuse(path)
