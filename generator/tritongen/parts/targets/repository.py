"""The model repository that Triton reads: a folder for each model."""

from collections.abc import Mapping

from tritongen.formats import pbtxt
from tritongen.records.paths import REPOSITORY
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry, Text


def render(plan: Plan) -> Mapping[str, Entry]:
    """Return each model's ``config.pbtxt`` and content; an external model stands elsewhere."""
    entries: dict[str, Entry] = {}
    for model in plan.models.values():
        if model.kind == "external":
            continue
        folder = f"{REPOSITORY}/{model.name}"
        entries[f"{folder}/config.pbtxt"] = Text(text=pbtxt.write(model.config), owner=REPOSITORY)
        for path, entry in model.content.items():
            entries[f"{folder}/{path}"] = entry
    return entries
