"""A required input of a step is not connected.

Triton refuses the ensemble («input Z in model two is not mapped to any ensemble tensors»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about required inputs that no ensemble tensor feeds."""
    for ensemble, number, step in plan.steps():
        for tensor in plan.models[step.model_name].config.input:
            if not tensor.optional and tensor.name not in step.input_map:
                yield Complaint(
                    path=(*ensemble.path, "steps", number),
                    message=f"input {tensor.name!r} of {step.model_name} is not connected",
                    why="Triton refuses an ensemble that leaves a required input open",
                    fix=f"map it: input: {{{tensor.name}: TENSOR}}",
                )
