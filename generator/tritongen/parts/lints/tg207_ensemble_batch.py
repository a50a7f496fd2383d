"""An ensemble takes larger batches than one of its steps.

Triton refuses it («ensemble e allows maximum batch size 16, but it contains model a which only
allows maximum batch size to be 8»). Steps that do not batch at all are spoken of by TG208.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, Edit
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about steps that batch less than the ensemble."""
    for ensemble, number, step in plan.steps():
        size, limit = (
            ensemble.config.max_batch_size,
            plan.models[step.model_name].config.max_batch_size,
        )
        if 0 < limit < size:
            yield Complaint(
                path=(*ensemble.path, "max_batch_size"),
                message=f"max_batch_size of {ensemble.name} is {size}, but step {number + 1}, "
                f"{step.model_name}, takes {limit}",
                why="Triton refuses an ensemble that takes more than one of its steps",
                fix=f"leave max_batch_size out here (it is then {limit}), "
                f"or raise it to {size} in {step.model_name}",
                edit=Edit("max_batch_size"),
            )
