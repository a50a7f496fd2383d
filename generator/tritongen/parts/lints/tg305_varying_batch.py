"""A batcher waits for requests that can't be joined.

Triton joins only requests of identical shape. Where an input's size varies from request to
request, waiting brings no company, only latency. Pad to a few sizes on the client or in a step
before, or declare the input `ragged` if the model can take the requests one after another.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about delays and preferred sizes of models with varying inputs."""
    for model in plan.models.values():
        batching = model.config.dynamic_batching
        if not batching.max_queue_delay_microseconds and not batching.preferred_batch_size:
            continue
        varying = [t for t in model.config.input if -1 in t.dims and not t.allow_ragged_batch]
        if varying:
            yield Complaint(
                path=(*model.path, "dynamic_batching"),
                message=f"{model.name} waits for a batch, but only requests with the same size "
                f"of {varying[0].name!r} ({short(varying[0])}) are joined",
                why="requests of different sizes wait and then run alone",
                fix="pad the input to a few sizes, or leave the delay and preferred sizes out",
            )
