"""How YAML is read here: as written, by the type expected, each value with its place."""

import pytest
from tests.unit.load.conftest import Read, Told

from tritongen.records.finding import Place

GUESSED_BY_YAML = ["no", "y", "on", "0.90", "308", "1:30", "None", "1e3", "0x10", "2024-01-01", "="]


@pytest.mark.parametrize("text", GUESSED_BY_YAML)
def test_text_stays_as_it_was_written(read: Read, text: str) -> None:
    config = (
        read(f"models:\n  a:\n    source: x\n    parameters:\n      p: {text}\n").models["a"].config
    )
    assert config.parameters["p"].string_value == text


@pytest.mark.parametrize("text", GUESSED_BY_YAML)
def test_names_stay_as_they_were_written(read: Read, text: str) -> None:
    config = read(f"models:\n  a: {{source: x, input: {{{text}: 'FP32[1]'}}}}\n").models["a"].config
    assert config.input[0].name == text


def test_a_release_is_no_number(read: Read) -> None:
    assert read("triton: 24.10\n").triton == "24.10"


def test_quoted_numbers_and_flags_are_numbers_and_flags(read: Read) -> None:
    spec = read('tritongen: "1"\nmodels: {a: {source: x, max_batch_size: "8", join: "false"}}\n')
    assert spec.models["a"].config.max_batch_size == 8
    assert spec.models["a"].join is False


@pytest.mark.parametrize("null", ["null", "~"])
def test_null_is_not_said(read: Read, null: str) -> None:
    model = read(f"models: {{a: {{source: x, max_batch_size: {null}, python: {null}}}}}\n").models[
        "a"
    ]
    assert model.python is None
    assert model.said == frozenset()


def test_quoted_null_is_text(read: Read) -> None:
    model = read("models: {a: {source: x, parameters: {p: 'null'}}}\n").models["a"]
    assert model.config.parameters["p"].string_value == "null"


def test_anchors_and_merges_share_values_and_keep_their_places(read: Read) -> None:
    spec = read(
        "x-gpu: &gpu\n"
        "  instance_group: {kind: gpu}\n"
        "  max_batch_size: 8\n"
        "models:\n"
        "  a: {<<: *gpu, source: a.onnx}\n"
        "  b: {<<: *gpu, source: b.onnx, max_batch_size: 2}\n"
    )
    assert spec.models["a"].config.max_batch_size == 8
    assert spec.models["b"].config.max_batch_size == 2
    assert spec.models["b"].config.instance_group[0].kind == 1
    assert str(spec.places.of("models", "a", "max_batch_size")) == "spec.yaml:3:3"
    assert str(spec.places.of("models", "b", "max_batch_size")) == "spec.yaml:6:33"


def test_of_two_merged_mappings_the_first_wins(read: Read) -> None:
    spec = read(
        "x-a: &a {max_batch_size: 1}\nx-b: &b {max_batch_size: 2, source: b.onnx}\n"
        "models: {m: {<<: [*a, *b]}}\n"
    )
    assert spec.models["m"].config.max_batch_size == 1
    assert spec.models["m"].source is not None


def test_a_quoted_merge_key_is_a_name(read: Read) -> None:
    model = read("models: {m: {source: x, metric_tags: {'<<': y}}}\n").models["m"]
    assert dict(model.config.metric_tags) == {"<<": "y"}


def test_every_key_and_item_has_its_place(read: Read) -> None:
    spec = read("models:\n  a:\n    source: x\n    calls: [b,\n      c]\n")
    assert spec.places.by_path == {
        ("models",): Place(file="spec.yaml", line=1, column=1),
        ("models", "a"): Place(file="spec.yaml", line=2, column=3),
        ("models", "a", "source"): Place(file="spec.yaml", line=3, column=5),
        ("models", "a", "calls"): Place(file="spec.yaml", line=4, column=5),
        ("models", "a", "calls", 0): Place(file="spec.yaml", line=4, column=13),
        ("models", "a", "calls", 1): Place(file="spec.yaml", line=5, column=7),
    }


def test_tensors_have_places_by_name_and_by_position(read: Read) -> None:
    places = read(
        "models:\n"
        "  a:\n"
        "    source: x\n"
        "    input: {x: 'FP32[1]', y: 'FP32[1]'}\n"
        "    output: [p, {q: 'FP32[1]'}, {name: r}]\n"
    ).places
    assert str(places.of("models", "a", "input", "y")) == "spec.yaml:4:27"
    assert str(places.of("models", "a", "input", 1)) == "spec.yaml:4:27"
    assert [places.of("models", "a", "output", name) for name in "pqr"] == [
        places.of("models", "a", "output", number) for number in range(3)
    ]


def test_columns_count_characters_not_bytes(told: Told) -> None:
    assert told('vars: {ü: "ää😀", é: [1]}\n') == [
        "spec.yaml:1:18 TG011 `é` in `vars` wants text, found a list"
    ]
