"""A varying dimension hides that two ends of an ensemble tensor never agree.

Triton compares every end of a tensor with the first one only, and -1 matches anything. If the
first end leaves a dimension open and two others fix it at different sizes, the ensemble loads,
and every request fails at one of the steps («unexpected shape for input»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short
from tritongen.records.views import Edge, edges

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about fixed dimensions that differ behind an open one."""
    fixed: dict[tuple[str | int, ...], dict[tuple[int, int], Edge]] = {}
    for edge in edges(plan):
        if len(edge.first.dims) != len(edge.second.dims):
            continue
        known = fixed.setdefault((edge.path[1], edge.tensor), {})
        for position, dim in enumerate(edge.second.dims):
            # Sizes compare only among models that count their dims alike.
            key = (position, edge.second_batches)
            if dim == -1 or edge.first.dims[position] != -1:
                continue
            other = known.setdefault(key, edge)
            if other.second.dims[position] != dim:
                yield Complaint(
                    path=edge.path,
                    message=f"{edge.second_label} is {short(edge.second)}, but "
                    f"{other.second_label}, the same tensor, is {short(other.second)}",
                    why=f"{edge.first_label} is {short(edge.first)}, so it loads, and every "
                    "request fails at one of them",
                    fix="map the tensor that fits, or put a step between them",
                )
                break
