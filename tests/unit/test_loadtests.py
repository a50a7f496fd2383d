"""Load tests with everything decided, and what they become for the program."""

from pathlib import Path
from typing import Any

import pytest

from tritongen.errors import SpecError
from tritongen.parts import loadprogram
from tritongen.records.facts import Facts
from tritongen.records.plan import Plan
from tritongen.stages.load import load
from tritongen.stages.payloads import payloads
from tritongen.stages.resolve import resolve

MODELS = """
models:
  m:
    source: none
    backend: identity
    max_batch_size: 8
    input: {X: "FP32[2]"}
    output: {Y: "FP32[2]"}
  stream:
    source: none
    backend: repeat
    input: {X: "FP32[2]"}
    output: {Y: "FP32[2]"}
    model_transaction_policy: {decoupled: true}
  talk:
    source: none
    backend: identity
    max_batch_size: 8
    input: {X: "FP32[2]"}
    output: {Y: "FP32[2]"}
    sequence_batching:
      oldest: {}
      control_input: [{name: ID, control: [{kind: CONTROL_SEQUENCE_CORRID, data_type: string}]}]
  blind: {source: none, backend: vllm}
ensembles:
  pipe: {steps: [{model: stream, output: {Y: Z}}]}
"""


def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Plan:
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(MODELS + text)
    return resolve(load([Path("spec.yaml")], {}), Facts())


def scenario(plan: Plan, name: str, root: Path) -> dict[str, Any]:
    done, findings = payloads(plan, root)
    assert findings == ()
    test = done.loadtests[name]
    files = {each.model: f"{each.model}.npz" for each in test.traffic} | {"trace": "trace.csv"}
    return loadprogram.scenario(done, test, address="h:1", files=files)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("slo: {mm: {p99: 1s}}", "TG701 no model or ensemble is called 'mm' | did you mean 'm'?"),
        ("model: n, arrivals: {closed: 1}", "TG701 no model or ensemble is called 'n' | "),
        (
            "models: {m: 1, strem: 2}, arrivals: {closed: 1}",
            "TG701 no model or ensemble is called 'strem' | did you mean 'stream'?",
        ),
        (
            "model: m, arrivals: {closed: 1}, data: {inputs: {Z: {range: 1}}}",
            "TG701 m has no input 'Z' | name one of X",
        ),
        (
            "model: stream, protocol: http, arrivals: {closed: 1}",
            "TG702 stream may answer a request any number of times, which http can't carry | "
            "write `protocol: grpc-stream`",
        ),
        (
            "model: pipe, arrivals: {closed: 1}",
            "TG702 pipe may answer a request any number of times, which grpc can't carry | ",
        ),
        (
            "model: m, duration: 5s, arrivals: {stages: [{duration: 2s, rate: 1/s}]}",
            "TG703 `duration` is said, and `stages` say theirs | remove `duration:`",
        ),
        (
            "model: m, max_in_flight: 8, arrivals: {closed: 2}",
            "TG703 `max_in_flight` is said, and `closed` says how many users there are | remove",
        ),
        (
            "models: {m: 1}, arrivals: {closed: 1}, data: x",
            "TG703 `data` does not say for which of the `models` it is | ",
        ),
        (
            "model: blind, arrivals: {closed: 1}",
            "TG704 the inputs of blind are not known, so no request can be made | ",
        ),
    ],
)
def test_a_load_test_that_can_t_be_run_is_refused_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    said = text if text.startswith("slo") else f"loadtests:\n  t: {{{text}}}"
    with pytest.raises(SpecError) as refused:
        planned(tmp_path, monkeypatch, said)
    (finding,) = refused.value.findings
    assert f"{finding.code} {finding.message} | {finding.fix}".startswith(told)
    assert finding.place is not None
    assert finding.place.line > MODELS.count("\n")


def test_what_was_not_said_is_decided_and_the_model_s_objective_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(
        tmp_path,
        monkeypatch,
        "slo: {m: {p99: 50ms}, talk: {p50: 1s}}\n"
        "loadtests:\n"
        "  usual: {model: m, arrivals: {closed: 2}}\n"
        "  short: {model: m, arrivals: {closed: 2}, duration: 3s, slo: {p50: 5ms}}\n"
        "  rising: {model: m, arrivals: {stages: [{duration: 9s, rate: 1/s}, "
        "{duration: 2s, rate: 4/s, from: 1/s}]}}\n",
    )
    usual, short, rising = (plan.loadtests[name] for name in ("usual", "short", "rising"))
    assert (usual.duration_s, usual.warmup_s, usual.timeout_s) == (60.0, 5.0, 10.0)
    assert {name: slo.p99 for name, slo in usual.slo.items()} == {"m": 0.05}
    assert (short.duration_s, short.warmup_s) == (3.0, 0.3)
    assert {name: slo.p50 for name, slo in short.slo.items()} == {"": 0.005}
    assert rising.duration_s == 11.0


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ("closed: 3", {"law": "closed", "stages": [{"from": 3, "to": 3, "seconds": 8.0}]}),
        (
            "constant: 30/min",
            {"law": "constant", "stages": [{"from": 0.5, "to": 0.5, "seconds": 8.0}]},
        ),
        ("burst: {size: 20, every: 500ms}", {"law": "burst", "size": 20, "every_s": 0.5}),
        ("trace: t.csv", {"law": "trace", "file": "trace.csv"}),
        (
            "stages: [{duration: 3s, rate: 5/s, from: 1/s}, {duration: 5s, rate: 5/s}]",
            {
                "law": "poisson",
                "stages": [
                    {"from": 1.0, "to": 5.0, "seconds": 3.0},
                    {"from": 5.0, "to": 5.0, "seconds": 5.0},
                ],
            },
        ),
    ],
)  # fmt: skip
def test_arrivals_are_told_to_the_program_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrivals: str, expected: dict[str, Any]
) -> None:
    (tmp_path / "t.csv").write_text("0\n1\n")
    duration = "" if "stages" in arrivals else ", duration: 8s"
    text = f"loadtests: {{t: {{model: m, arrivals: {{{arrivals}}}{duration}}}}}"
    plan = planned(tmp_path, monkeypatch, text)
    assert scenario(plan, "t", tmp_path)["arrivals"] == expected


def test_places_are_told_only_where_they_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "loadtests:\n"
        "  few: {model: m, arrivals: {constant: 5/s}, max_in_flight: 8}\n"
        "  usual: {model: m, arrivals: {constant: 5/s}}\n"
    )
    plan = planned(tmp_path, monkeypatch, text)
    assert scenario(plan, "few", tmp_path)["max_in_flight"] == 8
    assert "max_in_flight" not in scenario(plan, "usual", tmp_path)


def test_a_request_says_what_its_answer_must_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "loadtests: {t: {models: {m: 3, stream: 1}, protocol: grpc-stream, arrivals: {closed: 1}, parameters: {a: 7, b: x, c: true}}}"  # noqa: E501
    said = scenario(planned(tmp_path, monkeypatch, text), "t", tmp_path)
    first, second = said["requests"]
    assert (first["name"], first["payload"], first["weight"]) == ("m", "m.npz", 3.0)
    assert first["parameters"] == {"a": 7, "b": "x", "c": True}
    assert first["expect"] == {"outputs": {"Y": {"datatype": "FP32", "shape": [-1, 2]}}}
    assert second["expect"] == {"outputs": {"Y": {"datatype": "FP32", "shape": [2]}}}


def test_a_model_that_keeps_state_is_sent_sequences_with_ids_of_its_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "loadtests: {t: {model: talk, arrivals: {closed: 1}, data: {samples: 9, sequence: 4}}}"
    (request,) = scenario(planned(tmp_path, monkeypatch, text), "t", tmp_path)["requests"]
    assert request["sequence"] == {"steps": [[0, 4], [4, 4], [8, 1]], "id": "text"}


def test_the_program_is_written_as_it_is_with_a_folder_for_each_load_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tritongen.stages.render import render

    text = "loadtests: {t: {model: m, arrivals: {closed: 1}}}"
    done, _ = payloads(planned(tmp_path, monkeypatch, text), tmp_path)
    tree = render(done).entries
    written = {path for path in tree if path.startswith("loadtests/")}
    assert {"loadtests/locustfile.py", "loadtests/t/scenario.json", "loadtests/t/m.npz"} <= written
    assert not any(path.startswith("loadtests/") for path in render(planned(
        tmp_path, monkeypatch, "")).entries)  # fmt: skip
