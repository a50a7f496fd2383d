"""A PyTorch model's tensors are told apart by their order only.

libtorch takes inputs by name if all names are those of `forward()`'s arguments, else by position
if all end in two underscores and a number (`INPUT__0`); outputs by position only. If a single name
does neither, the order of the configuration counts, with a warning in the log: two inputs of one
type that change places give wrong answers and no error.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import backed, complain
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about names that do not tell which tensor they are."""
    for item in backed(plan):
        arguments = item.facts.arguments if item.facts else None
        for problem in item.backend.doubts(item.model.config, arguments):
            why = "if the order ever changes, the model answers wrongly and nothing tells"
            yield complain(plan, item.model, problem, why)
