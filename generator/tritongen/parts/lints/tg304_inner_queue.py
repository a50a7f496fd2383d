"""A step in the middle of an ensemble has a queue policy or priorities.

With a limit, a timeout or priorities the batcher may sleep up to half a second between batches,
and a request that such a queue rejects has already been worked on by the steps before it. A limit
belongs where requests come in: to the first step, or to a gateway before Triton.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelDynamicBatching
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about the queue policies of steps that read what other steps write."""
    inner = {
        end.model
        for wire in plan.wires
        if wire.producer.step is not None
        for end in wire.consumers
        if end.step is not None
    }
    for name in sorted(inner):
        field = _policy(plan.models[name].config.dynamic_batching)
        if field:
            yield Complaint(
                path=(*plan.models[name].path, "dynamic_batching", field),
                message=f"{name} has {field} and reads what another step writes",
                why="the batcher can sleep half a second between batches, and what it rejects "
                "was worked on already",
                fix="limit the queue of the first step, or requests before Triton",
            )


def _policy(batching: ModelDynamicBatching) -> str:
    if batching.priority_levels:
        return "priority_levels"
    policy = batching.default_queue_policy
    limits = (
        policy.max_queue_size,
        policy.default_timeout_microseconds,
        policy.allow_timeout_override,
    )
    return "default_queue_policy" if any(limits) else ""
