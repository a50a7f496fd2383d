"""What ``check`` writes for other programs: findings, all of them, with their places."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tritongen.cli import cli
from tritongen.formats.github import github
from tritongen.records.finding import Finding, Place

WRONG = "models:\n  a:\n    source: none\n    backend: mine\n    max_batchsize: 4\n"
ALLOWED = """\
models:
  a: {source: none, backend: mine, input: {x: "FP32[1]"}, output: {y: "FP32[1]"}}
ensembles:
  e:
    instance_group: {count: 1}
    steps: [a]
    allow: {TG215: we know better}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(folder: Path, text: str, *options: str) -> Result:
    (folder / "spec.yaml").write_text(text, "utf-8")
    return CliRunner().invoke(cli, ["check", *options], standalone_mode=False)


def test_json_has_errors_and_the_exit_code_is_that_of_a_wrong_spec(folder: Path) -> None:
    run = check(folder, WRONG, "--json")
    (found,) = json.loads(run.stdout)
    assert run.return_value == 2
    assert found["code"] == "TG009"
    assert found["place"] == {"file": "spec.yaml", "line": 5, "column": 5}
    assert found["edit"] == {"old": "max_batchsize", "new": "max_batch_size"}


def test_json_has_notes_of_a_spec_without_errors(folder: Path) -> None:
    run = check(folder, ALLOWED, "--format", "json")
    (found,) = json.loads(run.stdout)
    assert (found["code"], found["severity"]) == ("TG215", "note")
    assert not run.return_value


def test_sarif_names_the_rule_the_place_and_the_fix(folder: Path) -> None:
    run = check(folder, WRONG, "--format", "sarif")
    (log,) = json.loads(run.stdout)["runs"]
    (result,) = log["results"]
    assert log["tool"]["driver"]["rules"][result["ruleIndex"]] == {
        "id": "TG009",
        "shortDescription": {"text": "An unknown key"},
    }
    where = result["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "spec.yaml"
    assert where["region"] == {"startLine": 5, "startColumn": 5}
    assert "did you mean `max_batch_size`?" in result["message"]["text"]
    assert run.return_value == 2


def test_github_marks_the_line(folder: Path) -> None:
    run = check(folder, WRONG, "--format", "github")
    assert run.stdout == (
        "::error file=spec.yaml,line=5,col=5,title=TG009::`max_batchsize` is not a key of a model"
        "%0Afix: did you mean `max_batch_size`?\n"
    )


def test_github_commands_cannot_be_broken_out_of() -> None:
    place = Place(file="a,b:c.yaml", line=1, column=2)
    text = github(
        [Finding(code="TG001", severity="note", place=place, message="100%\r\n::error::no")]
    )
    assert (
        text == "::notice file=a%2Cb%3Ac.yaml,line=1,col=2,title=TG001::100%25%0D%0A::error::no\n"
    )


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_a_spec_without_findings_is_an_empty_result(folder: Path, form: str) -> None:
    spec = (
        'models: {a: {source: none, backend: x, input: {x: "FP32[1]"}, output: {y: "FP32[1]"}}}\n'
    )
    run = check(folder, spec, "--format", form, "--json" if form == "json" else "--strict")
    assert not run.return_value
    written = run.stdout if form == "github" else json.loads(run.stdout)
    assert written in ("", []) or written["runs"][0]["results"] == []
