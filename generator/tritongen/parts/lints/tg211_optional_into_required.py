"""An optional input of an ensemble feeds a required input of a step.

It loads, and every request that leaves the input out fails («expected 2 inputs but got 1 inputs
for model 'two'»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about required step inputs behind optional ensemble inputs."""
    optional_of = {
        model.name: {tensor.name for tensor in model.config.input if tensor.optional}
        for model in plan.models.values()
        if model.kind == "ensemble"
    }
    for wire in plan.wires:
        ensemble, optional = plan.models[wire.ensemble], optional_of[wire.ensemble]
        if wire.producer.step is not None or wire.tensor not in optional:
            continue
        for end in wire.consumers:
            sink = plan.sink(end) if end.step is not None else None
            if sink is not None and not sink.optional:
                yield Complaint(
                    path=(*ensemble.path, "input", wire.tensor),
                    message=f"the optional input {wire.tensor!r} of {ensemble.name} feeds "
                    f"{end.model}.{end.tensor}, which is required",
                    why="a request without it would fail at that step",
                    fix=f"take optional away here, or declare {end.tensor!r} "
                    f"optional in {end.model}",
                )
