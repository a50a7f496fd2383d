"""A plan becomes the files to write, in memory."""

from tritongen.formats import pbtxt
from tritongen.records.paths import REPOSITORY
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry, Text, Tree


def render(plan: Plan) -> Tree:
    """Return the model repository: a folder per model with its configuration and files."""
    entries: dict[str, Entry] = {}
    for model in plan.models.values():
        if model.kind == "external":
            continue
        folder = f"{REPOSITORY}/{model.name}"
        entries[f"{folder}/config.pbtxt"] = Text(text=pbtxt.write(model.config), owner=REPOSITORY)
        for path, entry in model.content.items():
            entries[f"{folder}/{path}"] = entry
    return Tree(entries)
