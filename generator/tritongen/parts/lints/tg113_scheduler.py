"""A scheduler's settings contradict each other.

Preferred batch sizes are between 1 and `max_batch_size`; priorities need a default level within
their range; `preserve_ordering` allows one priority level only, and no queue policy that serves a
request later once its time is over (`timeout_action: DELAY`). Triton refuses the model when it
reads the repository, and says why in its log only.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, Edit
from tritongen.records.messages import ModelConfig, ModelQueuePolicy
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about batch sizes and priority levels that Triton refuses."""
    for model in plan.models.values():
        config = model.config
        if config.max_batch_size < 0:
            yield Complaint(
                path=(*model.path, "max_batch_size"),
                message=f"max_batch_size of {model.name} is {config.max_batch_size}",
                why="Triton refuses a negative one",
                fix="write 0 for a model that does not batch",
            )
        if config.HasField("dynamic_batching"):
            for key, message, fix in _problems(config):
                yield Complaint(
                    path=(*model.path, "dynamic_batching", key),
                    message=f"{model.name}: {message}",
                    why="Triton refuses the model, and says why in its log only",
                    fix=fix,
                    edit=Edit(key) if key == "preferred_batch_size" else None,
                )


def _problems(config: ModelConfig) -> Iterator[tuple[str, str, str]]:
    batching = config.dynamic_batching
    for size in batching.preferred_batch_size:
        if not 0 < size <= config.max_batch_size:
            yield (
                "preferred_batch_size",
                f"preferred batch size {size} is not between 1 and "
                f"max_batch_size {config.max_batch_size}",
                "leave preferred_batch_size out: the batcher then fills up to max_batch_size",
            )
    levels = batching.priority_levels
    if levels and not 1 <= batching.default_priority_level <= levels:
        yield (
            "default_priority_level",
            f"default_priority_level {batching.default_priority_level} is not in 1..{levels}",
            f"set default_priority_level between 1 and {levels}",
        )
    for key in batching.priority_queue_policy:
        if levels and not 1 <= key <= levels:
            yield (
                "priority_queue_policy",
                f"priority_queue_policy speaks of level {key}, there are {levels}",
                "use levels from 1 to priority_levels",
            )
    if batching.preserve_ordering and levels > 1:
        yield (
            "preserve_ordering",
            f"preserve_ordering with {levels} priority levels",
            "use one level, or leave preserve_ordering out",
        )
    policies = [("default_queue_policy", batching.default_queue_policy)]
    policies += [("priority_queue_policy", p) for p in batching.priority_queue_policy.values()]
    for field, policy in policies:
        if _delays(policy) and batching.preserve_ordering:
            yield (
                field,
                "preserve_ordering with a timeout that only delays a request (DELAY)",
                "say timeout_action: REJECT, or leave preserve_ordering out",
            )


def _delays(policy: ModelQueuePolicy) -> bool:
    late = policy.timeout_action == ModelQueuePolicy.DELAY
    return late and policy.default_timeout_microseconds > 0
