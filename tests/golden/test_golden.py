"""What a spec renders, to the byte: <case>/spec.yaml and facts.json against <case>/expected/.

A case ``target_<name>`` holds what this target gives, another one all that is rendered.
``facts.json`` stands for the model files. A placed file is expected as one line with its hash;
the runner of plain steps is named, not repeated, and the load program's modules are left out.
``--update-golden`` writes what is rendered now.
"""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tritongen.formats import pbtxt
from tritongen.parts import loadprogram
from tritongen.parts.targets import TARGETS
from tritongen.records.facts import Facts
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry, Text
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.payloads import payloads
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.glob("*/spec.yaml"))
RUNNER = files("tritongen.runtime").joinpath("step.py").read_text("utf-8")


PROGRAM = set(loadprogram.program().values())


def plan_of(case: Path, root: Path) -> Plan:
    """Return the plan of a case; its payload files are kept below ``root``."""
    facts = TypeAdapter(Facts).validate_json((case / "facts.json").read_text("utf-8"))
    plan, findings = payloads(resolve(load([case / "spec.yaml"], {}), facts), root)
    assert findings == ()
    return plan


def as_expected(entry: Entry) -> str:
    if not isinstance(entry, Text):
        return f"placed: sha256 {entry.sha256}, {entry.size_bytes} bytes\n"
    return "# the runner: tritongen/runtime/step.py\n" if entry.text == RUNNER else entry.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_spec_renders_what_is_expected(
    case: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plan = plan_of(case, tmp_path)
    target = TARGETS.get(case.name.removeprefix("target_"))
    entries = target.render(plan) if target else render(plan).entries
    rendered = {
        path: as_expected(entry)
        for path, entry in entries.items()
        if not (isinstance(entry, Text) and entry.text in PROGRAM)
    }
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
def test_a_golden_spec_has_no_errors(case: Path, tmp_path: Path) -> None:
    assert [found for found in check(plan_of(case, tmp_path)) if found.severity == "error"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_protobuf_reads_back_every_configuration(case: Path, tmp_path: Path) -> None:
    for model in plan_of(case, tmp_path).models.values():
        assert pbtxt.read(pbtxt.write(model.config)) == model.config
