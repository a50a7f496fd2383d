"""A model that can't be cached asks for the response cache.

A cached answer is found again by the bytes of the inputs. A sequence model's answer depends on
what came before, and a decoupled model has any number of answers, so Triton refuses both with
`response_cache` («Response Cache does not currently support model...»). An ensemble is decoupled
as soon as one of its steps is.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, PlannedModel

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about the cache of sequence models and of decoupled ones."""
    for model in plan.models.values():
        reason = _reason(plan, model) if model.config.response_cache.enable else ""
        if reason:
            yield Complaint(
                path=(*model.path, "response_cache"),
                message=f"{model.name} asks for the response cache, but {reason}",
                why="Triton refuses the model, and says why in its log only",
                fix="leave response_cache out",
            )


def _reason(plan: Plan, model: PlannedModel) -> str:
    if model.config.HasField("sequence_batching"):
        return "its answers depend on the sequence that a request belongs to"
    if plan.decoupled(model.name) and (model.kind != "ensemble" or plan.release.tag >= "24.05"):
        return "it answers a request any number of times (decoupled)"
    return ""
