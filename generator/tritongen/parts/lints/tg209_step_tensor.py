"""A step maps a tensor that its model does not have.

Triton refuses the ensemble («ensemble tensor X is mapping to non-existing input NOPE in model
a»). On the left of a mapping stands the model's tensor, on the right the ensemble's.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, did_you_mean, rename
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about model tensors in a step's maps that do not exist."""
    for ensemble, number, step in plan.steps():
        config = plan.models[step.model_name].config
        sides = (
            ("input", step.input_map, [tensor.name for tensor in config.input]),
            ("output", step.output_map, [tensor.name for tensor in config.output]),
        )
        for section, mapped, known in sides:
            for name in sorted(mapped):
                if known and name not in known:
                    hint = did_you_mean(name, known)
                    yield Complaint(
                        path=(*ensemble.path, "steps", number, section, name),
                        message=f"{step.model_name} has no {section} {name!r}"
                        + (f"; {hint}" if hint else ""),
                        why="Triton refuses an ensemble that maps a tensor the model lacks",
                        fix=f"write the model's own name on the left, one of: {', '.join(known)}",
                        edit=rename(name, known),
                    )
