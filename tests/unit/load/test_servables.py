"""Models, ensembles and the server: the language's own keys."""

from pathlib import Path

import pytest
from tests.unit.load.conftest import Read

from tritongen.records.spec import Source, Step

SMALL = (Path(__file__).parents[3] / "spec.yaml").read_text("utf-8")


def test_the_repositorys_own_spec_is_read(read: Read) -> None:
    spec = read(SMALL)
    assert list(spec.models) == ["features", "classifier", "verdict"]
    assert [step.model for step in spec.ensembles["filetype"].steps] == list(spec.models)


def test_bare_text_is_the_source(read: Read) -> None:
    assert read("models: {a: pkg://magika/model.onnx}\n").models["a"].source == Source(
        path="pkg://magika/model.onnx"
    )


def test_a_source_may_say_its_checksum_and_none_is_no_path(read: Read) -> None:
    digest = "AB" * 32
    models = read(f"models: {{a: {{source: {{path: x, sha256: {digest}}}}}, b: none}}\n").models
    assert models["a"].source == Source(path="x", sha256=digest.lower())
    assert models["b"].source == "none"


def test_a_model_says_all_its_own_keys(read: Read) -> None:
    model = read(
        "models:\n"
        "  a:\n"
        "    versions: {0: a.onnx, 3: {path: b.onnx}, 9223372036854775807: c.onnx}\n"
        "    files: {warmup/raw: raw.bin, 1/vocabulary.txt: {path: vocabulary.txt}}\n"
        "    requirements: [numpy==1.26.4, torch]\n"
        "    calls: b\n"
        "    complete: false\n"
        "    join: false\n"
        "    labels: {x: labels.txt, y: [cat, no]}\n"
        "    allow: {TG204: known and fine}\n"
    ).models["a"]
    assert list(model.versions) == [0, 3, 2**63 - 1]
    assert model.versions[3] == Source(path="b.onnx")
    assert model.files["1/vocabulary.txt"] == Source(path="vocabulary.txt")
    assert model.requirements == ("numpy==1.26.4", "torch")
    assert model.calls == ("b",)
    assert (model.complete, model.join, model.external) == (False, False, False)
    assert model.labels == {"x": "labels.txt", "y": ("cat", "no")}
    assert model.allow == {"TG204": "known and fine"}
    assert model.said == frozenset()


def test_requirements_may_be_lines_of_text(read: Read) -> None:
    model = read("models:\n  a:\n    source: x\n    requirements: |\n      numpy\n      torch\n")
    assert model.models["a"].requirements == ("numpy", "torch")


@pytest.mark.parametrize("python", ["a.py", "steps/a.py:run", "../a.py:_run", "a b.py:größe"])
def test_a_step_is_a_file_with_or_without_a_function(read: Read, python: str) -> None:
    assert read(f"models: {{a: {{python: '{python}'}}}}\n").models["a"].python == python


def test_an_external_model_needs_no_source(read: Read) -> None:
    assert read("models: {a: {external: true, input: {x: 'FP32[1]'}}}\n").models["a"].external


def test_steps_are_names_or_mappings(read: Read) -> None:
    steps = (
        read(
            "ensembles:\n"
            "  e:\n"
            "    steps:\n"
            "      - a\n"
            "      - {model: b, version: 3, input: {x: y}, output: {p: q}, namespace: n}\n"
            "      - {model: c, version: -1, output: [p, q]}\n"
            "      - {model: d, output: []}\n"
        )
        .ensembles["e"]
        .steps
    )
    assert steps == (
        Step(model="a"),
        Step(model="b", version=3, input={"x": "y"}, output={"p": "q"}, namespace="n"),
        Step(model="c", output={"p": "p", "q": "q"}),
        Step(model="d", output={}),
    )


def test_an_ensembles_other_fields_stand_beside_its_steps(read: Read) -> None:
    ensemble = read(
        "ensembles:\n"
        "  e:\n"
        "    steps: a\n"
        "    versions: [1, 2]\n"
        "    max_batch_size: 8\n"
        "    max_inflight_requests: 16\n"
        "    response_cache: {enable: true}\n"
        "    input: [x]\n"
        "    output: {y: 'FP32[2]'}\n"
        "    allow: {TG301: fine}\n"
    ).ensembles["e"]
    assert ensemble.versions == (1, 2)
    assert ensemble.config.ensemble_scheduling.max_inflight_requests == 16
    assert ensemble.config.response_cache.enable
    assert ensemble.said == {
        "max_batch_size", "ensemble_scheduling", "response_cache", "input", "output",
    }  # fmt: skip


def test_an_ensemble_of_steps_only_says_nothing_in_tritons_words(read: Read) -> None:
    ensemble = read("ensembles: {e: {steps: [a]}}\n").ensembles["e"]
    assert not ensemble.config.HasField("ensemble_scheduling")
    assert (ensemble.said, ensemble.versions) == (frozenset(), (1,))


def test_ensemble_tensors_have_places(read: Read) -> None:
    spec = read("ensembles:\n  e:\n    steps: [a]\n    input: [x, {y: 'FP32[1]'}]\n")
    assert str(spec.places.of("ensembles", "e", "input", "y")) == "spec.yaml:4:16"


def test_the_server_is_typed(read: Read) -> None:
    server = read('server: {http_port: 8000, grpc_port: "8001", log_verbose: 1}\n').server
    assert (server.http_port, server.grpc_port, server.metrics_port) == (8000, 8001, None)
    assert server.log_verbose == 1
