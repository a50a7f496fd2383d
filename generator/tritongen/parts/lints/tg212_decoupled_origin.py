"""A step joins tensors of different decoupled models.

A decoupled step answers a request any number of times, and each answer runs the steps behind it.
So a step behind it can't also read an input of the ensemble, or what another decoupled step
writes: Triton would not know which answers belong together, and refuses the ensemble («receives
inputs originated from different decoupled models»).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.messages import ModelEnsembling
from tritongen.records.plan import Plan, PlannedModel

SEVERITY: Final = "error"
ORIGINAL = "the request"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about steps whose inputs come from different decoupled steps."""
    for ensemble in plan.models.values():
        if ensemble.kind == "ensemble" and plan.decoupled(ensemble.name):
            yield from _check(plan, ensemble)


def _check(plan: Plan, ensemble: PlannedModel) -> Iterator[Complaint]:
    steps = ensemble.config.ensemble_scheduling.step
    origins: dict[str, str] = {tensor.name: ORIGINAL for tensor in ensemble.config.input}
    for number in _in_order(steps, origins):
        step = steps[number]
        found = {origins[tensor]: tensor for tensor in sorted(step.input_map.values())}
        if len(found) > 1:
            yield _complaint((*ensemble.path, "steps", number), step.model_name, found)
        decoupled = plan.decoupled(step.model_name)
        here = f"step {number + 1}, {step.model_name}" if decoupled else next(iter(found), "")
        origins.update(dict.fromkeys(step.output_map.values(), here))
    found = {origins.get(out.name, ""): out.name for out in ensemble.config.output}
    if len(found) > 1:
        yield _complaint((*ensemble.path, "output"), f"the ensemble {ensemble.name}", found)


def _in_order(steps: Sequence[ModelEnsembling.Step], given: Iterable[str]) -> list[int]:
    """Return the numbers of the steps, each behind those that write what it reads."""
    readers: dict[str, list[int]] = {}
    missing = []
    for number, step in enumerate(steps):
        reads = set(step.input_map.values())
        missing.append(len(reads))
        for tensor in reads:
            readers.setdefault(tensor, []).append(number)
    order = [number for number, count in enumerate(missing) if not count]
    tensors = list(given)
    for tensor in tensors:  # grows while it is walked
        for number in readers.pop(tensor, ()):
            missing[number] -= 1
            if not missing[number]:
                order.append(number)
                tensors.extend(steps[number].output_map.values())
    return order


def _complaint(path: SpecPath, reader: str, found: dict[str, str]) -> Complaint:
    parts = " and ".join(f"{tensor!r} of {origin}" for origin, tensor in found.items())
    return Complaint(
        path=path,
        message=f"{reader} joins {parts}",
        why="each answer of a decoupled step runs the steps behind it on its own",
        fix="pass what is needed through the decoupled step: one more input and output of it",
    )
