"""The largest preferred batch size is below what the model takes, and nothing waits.

Without a queue delay the batcher sends what is there, and fills a batch only up to the largest
preferred size. So `max_batch_size` is never reached, however many requests wait.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about preferred sizes that cap a batch."""
    for model in plan.models.values():
        config, batching = model.config, model.config.dynamic_batching
        largest = max(batching.preferred_batch_size, default=0)
        if 0 < largest < config.max_batch_size and not batching.max_queue_delay_microseconds:
            yield Complaint(
                path=(*model.path, "dynamic_batching", "preferred_batch_size"),
                message=f"{model.name} takes {config.max_batch_size} rows, "
                f"but its batches never grow beyond {largest}",
                why="without a delay the largest preferred size is the limit of a batch",
                fix="leave preferred_batch_size out, "
                f"or set max_batch_size: {largest} if that is meant",
            )
