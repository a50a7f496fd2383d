"""A plan becomes the files to write, in memory."""

from tritongen.parts.targets import TARGETS
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry, Tree


def render(plan: Plan) -> Tree:
    """Return what all targets give: the model repository, the load tests, the stack."""
    entries: dict[str, Entry] = {}
    for target in TARGETS.values():
        entries.update(target.render(plan))
    return Tree(entries)
