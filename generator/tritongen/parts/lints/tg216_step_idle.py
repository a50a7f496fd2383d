"""A step reads nothing or gives nothing to the ensemble.

Triton wants at least one input and one output of each step mapped («must specify 'output_map' in
step 0»). A step whose outputs nobody needs can be left out.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about steps without a mapped input or output."""
    for ensemble, number, step in plan.steps():
        for section, mapped in (("input", step.input_map), ("output", step.output_map)):
            if not mapped:
                yield Complaint(
                    path=(*ensemble.path, "steps", number),
                    message=f"step {number + 1} of {ensemble.name}, {step.model_name}, has no "
                    f"connected {section}",
                    why=f"Triton wants at least one {section} of each step mapped",
                    fix=f"map one ({section}: {{MODEL_TENSOR: TENSOR}}), or leave the step out",
                )
