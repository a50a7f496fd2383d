"""An ensemble has settings that only a model with a backend can have.

An ensemble is a plan of steps, not a model: it has no instances, no optimization, no warm-up and
no scheduler of its own. Triton refuses these fields. They belong to the steps' models.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, Edit
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


FORBIDDEN = (
    "backend",
    "dynamic_batching",
    "instance_group",
    "model_warmup",
    "optimization",
    "sequence_batching",
)


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about fields that Triton refuses on an ensemble."""
    for name, entry in plan.spec.ensembles.items():
        for field in sorted(entry.said.intersection(FORBIDDEN)):
            yield Complaint(
                path=("ensembles", name, field),
                message=f"the ensemble {name} has {field}",
                why="Triton refuses it: an ensemble runs its steps and has nothing of its own",
                fix=f"move {field} to the models of its steps",
                edit=Edit(field),
            )
