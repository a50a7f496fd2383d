"""A batching ensemble contains a step that does not batch.

Such a step gets the whole batch as one tensor. That works if its first dimension is open
(`[-1,4]` for `[4]` in the ensemble); with the same dims as in the ensemble it loads and works
for one row only: a batch of two fails with «unexpected shape for input».
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about steps that can take one row only."""
    for ensemble, number, step in plan.steps():
        config = plan.models[step.model_name].config
        if ensemble.config.max_batch_size == 0 or config.max_batch_size > 0:
            continue
        closed = [tensor for tensor in config.input if tensor.dims and tensor.dims[0] != -1]
        if closed:
            yield Complaint(
                path=(*ensemble.path, "steps", number),
                message=f"{ensemble.name} batches up to {ensemble.config.max_batch_size}, but "
                f"{step.model_name} does not batch and takes {closed[0].name!r} "
                f"as {short(closed[0])}",
                why="a request with more than one row would fail at this step",
                fix=f"let {step.model_name} batch (max_batch_size above 0), "
                "or set max_batch_size: 0 for the ensemble",
            )
