"""Two ends of an ensemble tensor have different data types.

Nothing is cast between steps. Triton refuses the ensemble when it loads it («ensemble tensor X:
inconsistent data type»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short, short_type
from tritongen.records.views import edges

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about wires whose ends differ in type."""
    for edge in edges(plan):
        if edge.first.data_type != edge.second.data_type:
            yield Complaint(
                path=edge.path,
                message=f"{edge.second_label} is {short(edge.second)}, but "
                f"{edge.first_label} is {short(edge.first)}",
                why="Triton refuses an ensemble whose tensors differ in type; it never casts",
                fix="put a cast step between them, or export one of the models with the "
                f"type {short_type(edge.first.data_type)}",
            )
