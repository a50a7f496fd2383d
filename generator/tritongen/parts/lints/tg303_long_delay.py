"""A batcher waits a tenth of a second or longer for company.

A request that stays alone waits the whole `max_queue_delay_microseconds`, also while an instance
is idle. Batches form without any delay while the instances are busy; a delay of a fraction of the
model's own time is what may pay.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"
LONG_US = 100_000


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about delays that are longer than nearly every model."""
    for model in plan.models.values():
        batching, sequences = model.config.dynamic_batching, model.config.sequence_batching
        for path, delay_us in (
            (("dynamic_batching",), batching.max_queue_delay_microseconds),
            (("sequence_batching", "oldest"), sequences.oldest.max_queue_delay_microseconds),
            (("sequence_batching", "direct"), sequences.direct.max_queue_delay_microseconds),
        ):
            if delay_us >= LONG_US:
                yield Complaint(
                    path=(*model.path, *path, "max_queue_delay_microseconds"),
                    message=f"{model.name} lets a lonely request wait {delay_us / 1000:g} ms",
                    why="a request that stays alone waits the whole delay, on an idle server too",
                    fix="set it to a fraction of the model's own time, or leave it out",
                )
