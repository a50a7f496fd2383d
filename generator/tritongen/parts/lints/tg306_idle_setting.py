"""A scheduler's or warm-up's setting has no effect.

A dynamic batcher joins nothing where `max_batch_size` is 0. Queue policies by priority and a
default priority count only with `priority_levels`. A warm-up request with `batch_size: 0` is
accepted and never sent.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.plan import Plan, PlannedModel

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about settings that Triton accepts and does nothing with."""
    for model in plan.models.values():
        for path, message, fix in _idle(model):
            yield Complaint(
                path=(*model.path, *path),
                message=f"{model.name}: {message}",
                why="Triton accepts it, and it does nothing",
                fix=fix,
            )


def _idle(model: PlannedModel) -> Iterator[tuple[SpecPath, str, str]]:
    config, batching = model.config, model.config.dynamic_batching
    if config.HasField("dynamic_batching") and config.max_batch_size == 0:
        yield (
            ("dynamic_batching",),
            "a dynamic batcher joins nothing: the model does not batch",
            "set max_batch_size above 0, or leave dynamic_batching out",
        )
    if not batching.priority_levels:
        for field in ("priority_queue_policy", "default_priority_level"):
            if getattr(batching, field):
                fix = f"say priority_levels, or leave {field} out"
                yield ("dynamic_batching", field), f"{field} without priority_levels", fix
    for number, sample in enumerate(config.model_warmup):
        if sample.batch_size == 0 and model.kind != "ensemble":
            yield (
                ("model_warmup", number),
                f"the warm-up {sample.name!r} has batch_size 0 and is never sent",
                "set batch_size: 1",
            )
