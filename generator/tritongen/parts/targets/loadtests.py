"""The load program, and each load test's scenario with what it sends."""

from collections.abc import Iterator, Mapping

from tritongen.formats import json
from tritongen.parts import loadprogram
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.paths import LOADTESTS
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry, Text


def render(plan: Plan) -> Mapping[str, Entry]:
    """Return the program's files and a folder for each load test; nothing if there is none."""
    if not plan.loadtests:
        return {}
    program: dict[str, Entry] = {
        f"{LOADTESTS}/{name}": Text(text=text, owner=LOADTESTS)
        for name, text in loadprogram.program().items()
    }
    tests = (_loadtest(plan, name, test) for name, test in plan.loadtests.items())
    return program | {path: entry for files in tests for path, entry in files}


def _loadtest(plan: Plan, name: str, test: PlannedLoadTest) -> Iterator[tuple[str, Entry]]:
    folder = f"{LOADTESTS}/{name}"
    placed = {
        each.model: (f"{each.model}.npz", each.samples.entry)
        for each in test.traffic
        if each.samples is not None
    }
    if test.trace is not None:
        placed["trace"] = ("trace.csv", test.trace)
    said = loadprogram.scenario(
        plan,
        test,
        address=loadprogram.usual_address(plan, test),
        files={key: file for key, (file, _) in placed.items()},
    )
    yield f"{folder}/scenario.json", Text(text=json.write(said), owner=LOADTESTS)
    for file, entry in placed.values():
        yield f"{folder}/{file}", entry
