"""Two ends of an ensemble tensor have shapes that can't agree.

Shapes agree if the dims without the batch dimension match, or the full shapes (a batching model's
have -1 in front) match; -1 matches anything and is checked with each request. Triton refuses the
ensemble otherwise («ensemble tensor m: inconsistent shape»).
"""

from collections.abc import Iterator
from math import prod
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short, short_type
from tritongen.records.views import Edge, edges

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about wires whose ends differ in shape."""
    for edge in edges(plan):
        first, second = list(edge.first.dims), list(edge.second.dims)
        if not first or not second or _match(first, second):
            continue
        if _match([-1] * edge.first_batches + first, [-1] * edge.second_batches + second):
            continue
        yield Complaint(
            path=edge.path,
            message=f"{edge.second_label} is {short(edge.second)}{_batch(edge.second_batches)}, "
            f"but {edge.first_label} is {short(edge.first)}{_batch(edge.first_batches)}",
            why="Triton refuses an ensemble whose tensors differ in shape",
            fix=_fix(first, second, edge),
        )


def _match(first: list[int], second: list[int]) -> bool:
    return len(first) == len(second) and all(
        a == b or -1 in (a, b) for a, b in zip(first, second, strict=True)
    )


def _batch(batches: bool) -> str:
    return " with a batch dimension" if batches else ""


def _fix(first: list[int], second: list[int], edge: Edge) -> str:
    if -1 not in (*first, *second) and prod(first) == prod(second):
        return (
            f"reshape it in its model: {short_type(edge.second.data_type)}{first} reshape{second}"
        )
    return "map the tensor that fits, or put a step between them that changes the shape"
