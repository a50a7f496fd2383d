"""The program of the one-shot service `ops`: what reaches Triton's control in a closed stack."""

from collections.abc import Mapping
from importlib.resources import files

from tritongen.records.plan import Plan
from tritongen.records.stack import OPS, OPS_FOLDER
from tritongen.records.tree import Entry, Text


def render(plan: Plan) -> Mapping[str, Entry]:
    """Return its files; none where there is no gateway that a replica could be taken from."""
    if plan.stack is None or plan.stack.gateway is None:
        return {}
    folder = files("tritongen.runtime").joinpath(OPS)
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".py"))
    return {
        f"{OPS_FOLDER}/{name}": Text(text=folder.joinpath(name).read_text("utf-8"), owner=OPS)
        for name in names
    }
