"""Several files, and names that are filled in."""

from pathlib import Path

import pytest
from tests.unit.load.conftest import Read, Told

from tritongen.records.spec import Source
from tritongen.stages.load import load

BASE = """\
name: base
models:
  a: {source: a.onnx, max_batch_size: 4, calls: [x, y], dynamic_batching: {preserve_ordering: true}}
  b: b.onnx
"""


def test_mappings_merge_deeply_lists_are_replaced_and_null_removes(read: Read) -> None:
    over = (
        "models: {a: {calls: [z], max_batch_size: null, "
        "dynamic_batching: {priority_levels: 2}}, b: ~}"
    )
    spec = read(BASE, over)
    assert list(spec.models) == ["a"]
    assert spec.models["a"].calls == ("z",)
    assert spec.models["a"].said == {"dynamic_batching"}
    assert spec.models["a"].config.dynamic_batching.preserve_ordering
    assert spec.models["a"].config.dynamic_batching.priority_levels == 2
    assert spec.files == (Path("spec.yaml"), Path("1.yaml"))


def test_more_can_be_said_of_a_model_that_a_spec_says_in_short(read: Read) -> None:
    spec = read(BASE, "models: {b: {max_batch_size: 8}}\n")
    assert spec.models["b"].source == Source(path="b.onnx")
    assert spec.models["b"].config.max_batch_size == 8
    assert str(spec.places.of("models", "b", "source")) == "spec.yaml:4:6"


def test_an_overlay_may_say_another_source(read: Read) -> None:
    spec = read(BASE, "models: {b: {source: c.onnx}}\n", "models: {a: d.onnx}\n")
    assert spec.models["b"].source == Source(path="c.onnx")
    assert spec.models["a"].source == Source(path="d.onnx")
    assert not spec.models["a"].said


def test_later_files_win_and_each_value_keeps_its_file(read: Read) -> None:
    spec = read(BASE, "name: one\n", "name: two\nmodels: {a: {max_batch_size: 8}}\n")
    assert spec.name == "two"
    assert str(spec.places.of("name")) == "2.yaml:1:1"
    assert str(spec.places.of("models", "a", "max_batch_size")) == "2.yaml:2:14"
    assert str(spec.places.of("models", "a", "source")) == "spec.yaml:3:7"


def test_a_relative_path_starts_at_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "prod").mkdir()
    base, over = tmp_path / "spec.yaml", tmp_path / "prod" / "gpu.yaml"
    base.write_text("models: {a: {source: a.onnx, python: null}, b: b.onnx}\n")
    over.write_text("models: {a: {source: a.plan, requirements: pip.txt}}\n")
    over.with_name("pip.txt").write_text(
        "numpy==1.26.4  # pinned\n\n# nothing\ntorch \\\n  ==2.5\n"
    )
    spec = load([base, over], {})
    assert spec.base("models", "a", "source") == tmp_path / "prod"
    assert spec.base("models", "b", "source") == tmp_path
    assert spec.models["a"].requirements == ("numpy==1.26.4", "torch ==2.5")


def test_an_overlay_may_be_wrong_too(told: Told) -> None:
    assert told(BASE, "models: {a: {max_batch_siz: 8}}\n") == [
        "1.yaml:1:14 TG009 `max_batch_siz` is not a key of a model"
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${ROOT}/a.onnx", "/env/a.onnx"),
        ("${SIZE}", "big"),
        ("${NOPE:-other}", "other"),
        ("${NOPE:-}", ""),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("$${ROOT}", "${ROOT}"),
        ("$$TRITON_MODEL_DIRECTORY/x", "$$TRITON_MODEL_DIRECTORY/x"),
        ("$ROOT costs $5", "$ROOT costs $5"),
        ("${ROOT}${ROOT}", "/env/env"),
        ("${INDIRECT}", "${ROOT}"),
        ("${SPICE}", "{a: b} # no"),
    ],
)
def test_names_are_replaced_in_text(read: Read, text: str, value: str) -> None:
    environment = {"ROOT": "/env", "EMPTY": "", "INDIRECT": "${ROOT}", "SPICE": "{a: b} # no"}
    spec = read(
        "vars: {ROOT: /vars, SIZE: big}\n"
        f"models: {{a: {{source: x, parameters: {{p: '{text}'}}}}}}\n",
        environment=environment,
    )
    assert spec.models["a"].config.parameters["p"].string_value == value


def test_what_replaces_a_name_is_read_as_the_type_expected(read: Read) -> None:
    spec = read(
        "models:\n"
        "  a:\n"
        "    source: x\n"
        "    max_batch_size: ${BATCH}\n"
        "    join: ${JOIN}\n"
        "    instance_group: {kind: '${KIND}'}\n"
        "    input: {x: '${TYPE}[${DIM:-3}]'}\n",
        environment={"BATCH": "16", "JOIN": "false", "KIND": "cpu", "TYPE": "FP16"},
    )
    model = spec.models["a"]
    assert (model.config.max_batch_size, model.join) == (16, False)
    assert model.config.instance_group[0].kind == 2
    assert list(model.config.input[0].dims) == [3]


def test_a_name_in_a_value_that_was_replaced_or_removed_is_not_asked_for(read: Read) -> None:
    spec = read(
        "x-a: ${NOPE}\nmodels: {a: '${NOPE}', b: '${NOPE}'}\n", "models: {a: a.onnx, b: ~}\n"
    )
    assert list(spec.models) == ["a"]


def test_vars_may_use_the_environment(read: Read) -> None:
    spec = read("vars: {A: '${ROOT}/a'}\nmodels: {a: '${A}'}\n", environment={"ROOT": "/r"})
    assert spec.models["a"].source is not None
    assert spec.models["a"].source.path == "/r/a"  # type: ignore[union-attr]
