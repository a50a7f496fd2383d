"""An ensemble is decoupled because one of its steps is.

It answers a request any number of times, which HTTP's `/infer` and gRPC's `ModelInfer` can't carry:
both refuse it. Clients have to ask it by a gRPC stream, or at `/generate_stream`. If that is meant,
say so in the ensemble's entry: `model_transaction_policy: {decoupled: true}`.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about ensembles that became decoupled without a word in the spec."""
    for name, model in plan.models.items():
        if model.kind != "ensemble" or not plan.decoupled(name):
            continue
        steps = [step.model_name for step in model.config.ensemble_scheduling.step]
        said = "model_transaction_policy" in plan.spec.ensembles[name].said
        if not said:
            yield Complaint(
                path=model.path,
                message=f"{name} answers a request any number of times, as its step "
                f"{next(filter(plan.decoupled, steps))} does",
                why="HTTP's /infer and gRPC's ModelInfer refuse it; only streams can ask it",
                fix="add model_transaction_policy: {decoupled: true} if that is meant",
            )
