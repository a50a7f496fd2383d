"""A tensor breaks the rules of the backend that serves it.

Some backends know their tensors by name: FIL has `input__0` and `output__0`, in FP32; libtorch
wants `NAME__0`, with the position after two underscores, for every tensor of a model with state;
an AOT Inductor package has the names of its call; the repeat, square and identity backends have
fixed ones. The backend refuses a model that calls them otherwise, or fails its requests.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import backed, complain
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about tensors that the backend refuses."""
    for item in backed(plan):
        arguments = item.facts.arguments if item.facts else None
        for problem in item.backend.errors(item.model.config, arguments):
            why = "the backend refuses the model, or fails every request"
            yield complain(plan, item.model, problem, why)
