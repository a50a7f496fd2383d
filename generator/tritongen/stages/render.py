"""A plan becomes the files to write, in memory."""

from collections.abc import Iterator

from tritongen.formats import json, pbtxt
from tritongen.parts import loadprogram
from tritongen.records.paths import LOADTESTS, REPOSITORY
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry, Text, Tree


def render(plan: Plan) -> Tree:
    """Return the model repository, a folder per model, and the load tests, a folder each."""
    entries: dict[str, Entry] = {}
    for model in plan.models.values():
        if model.kind == "external":
            continue
        folder = f"{REPOSITORY}/{model.name}"
        entries[f"{folder}/config.pbtxt"] = Text(text=pbtxt.write(model.config), owner=REPOSITORY)
        for path, entry in model.content.items():
            entries[f"{folder}/{path}"] = entry
    if plan.loadtests:
        entries.update(_loadtests(plan))
    return Tree(entries)


def _loadtests(plan: Plan) -> Iterator[tuple[str, Entry]]:
    """Yield the load program, and each load test's scenario with what it sends."""
    for name, text in loadprogram.program().items():
        yield f"{LOADTESTS}/{name}", Text(text=text, owner=LOADTESTS)
    for name, test in plan.loadtests.items():
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
