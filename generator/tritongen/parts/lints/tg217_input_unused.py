"""An ensemble declares an input that no step reads.

Triton refuses it, even if the input is optional («ensemble input 'EXTRA' is not used»).
Take it out of `input:`, or map an input of a step to it.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, Edit, did_you_mean, rename
from tritongen.records.plan import Plan, PlannedModel

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about declared inputs without a reader."""
    known: dict[str, set[str]] = {}
    for wire in plan.wires:
        reads = [end for end in wire.consumers if end.step is not None]
        if wire.producer.step is None and not reads:
            ensemble = plan.models[wire.ensemble]
            if wire.ensemble not in known:
                known[wire.ensemble] = _read(ensemble)
            hint = did_you_mean(wire.tensor, known[wire.ensemble])
            yield Complaint(
                path=(*ensemble.path, "input", wire.tensor),
                message=f"no step of {ensemble.name} reads its input {wire.tensor!r}"
                + (f"; {hint}" if hint else ""),
                why="Triton refuses an ensemble input that is not used",
                fix="take it out, or map a step's input to it",
                edit=rename(wire.tensor, known[wire.ensemble]) if hint else Edit(wire.tensor),
            )


def _read(ensemble: PlannedModel) -> set[str]:
    """Name what the steps read, by the models' names and by the ensemble's."""
    return {
        name
        for step in ensemble.config.ensemble_scheduling.step
        for name in (*step.input_map, *step.input_map.values())
    }
