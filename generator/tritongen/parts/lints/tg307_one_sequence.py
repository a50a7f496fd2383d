"""A sequence model serves one sequence at a time.

With the strategy `direct` (the default) a sequence owns a slot until its end, or until it has been
idle for `max_sequence_idle_microseconds`. There are as many slots as instances times
`max_batch_size`. With one slot, a second client waits for the first one's end.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about sequence batchers with a single slot."""
    for model in plan.models.values():
        batching = model.config.sequence_batching
        direct = model.config.HasField("sequence_batching") and not batching.HasField("oldest")
        if direct and not batching.iterative_sequence and _slots(model.config) == 1:
            yield Complaint(
                path=(*model.path, "sequence_batching"),
                message=f"{model.name} serves one sequence at a time",
                why="a second sequence waits until the first one ends or has long been idle",
                fix="raise max_batch_size or the number of instances to the sequences at a time, "
                "or choose the strategy oldest: {max_candidate_sequences: 64}",
            )


def _slots(config: ModelConfig) -> int:
    default = 2 if config.backend == "onnxruntime" else 1
    counts = [max(group.count, 1) for group in config.instance_group]
    return (sum(counts) or default) * max(config.max_batch_size, 1)
