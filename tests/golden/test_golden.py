"""What a spec renders, to the byte: <case>/spec.yaml and facts.json against <case>/expected/.

``facts.json`` stands for the model files. A placed file is expected as one line with its hash;
the runner of plain steps is named, not repeated. ``--update-golden`` writes what is rendered now.
"""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tritongen.formats import pbtxt
from tritongen.records.facts import Facts
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry, Text
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.glob("*/spec.yaml"))
RUNNER = files("tritongen.runtime").joinpath("step.py").read_text("utf-8")


def plan_of(case: Path) -> Plan:
    facts = TypeAdapter(Facts).validate_json((case / "facts.json").read_text("utf-8"))
    return resolve(load([case / "spec.yaml"], {}), facts)


def as_expected(entry: Entry) -> str:
    if not isinstance(entry, Text):
        return f"placed: sha256 {entry.sha256}, {entry.size_bytes} bytes\n"
    return "# the runner: tritongen/runtime/step.py\n" if entry.text == RUNNER else entry.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_spec_renders_what_is_expected(case: Path, request: pytest.FixtureRequest) -> None:
    tree = render(plan_of(case))
    rendered = {path: as_expected(entry) for path, entry in tree.entries.items()}
    expected = case / "expected"
    if request.config.getoption("--update-golden"):
        shutil.rmtree(expected, ignore_errors=True)
        for path, text in rendered.items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_text(text, "utf-8")
    found = {
        path.relative_to(expected).as_posix(): path.read_text("utf-8")
        for path in expected.rglob("*")
        if path.is_file()
    }
    assert rendered == found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_spec_has_no_errors(case: Path) -> None:
    assert [found for found in check(plan_of(case)) if found.severity == "error"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_protobuf_reads_back_every_configuration(case: Path) -> None:
    for model in plan_of(case).models.values():
        assert pbtxt.read(pbtxt.write(model.config)) == model.config
