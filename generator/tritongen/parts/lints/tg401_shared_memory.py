"""The Python models need more shared memory than a container has.

Every instance of a Python model exchanges its tensors with Triton through /dev/shm, which Docker
and Kubernetes limit to 64 MB unless told otherwise. When it is full, requests fail («Failed to
increase the shared memory pool size»), or the model does not load. Counted are 1 MiB for each
instance and twice the tensors of a full batch, as far as their sizes are fixed. A stack's own
containers get what they need (`stack:`).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.views import shared_memory_bytes

SEVERITY: Final = "warning"
CONTAINER_BYTES = 64 << 20


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain once, at the model that needs most."""
    needs = {
        model.name: shared_memory_bytes(model.config)
        for model in plan.models.values()
        if model.config.backend == "python" and model.kind != "external"
    }
    total = sum(needs.values())
    if total > CONTAINER_BYTES and plan.stack is None:
        most = max(needs, key=lambda name: needs[name])
        yield Complaint(
            path=(*plan.models[most].path, "max_batch_size"),
            message=f"the Python models exchange up to {total >> 20} MiB through /dev/shm, "
            f"{most} alone {needs[most] >> 20} MiB",
            why="a container has 64 MiB there unless told otherwise, and then requests fail",
            fix=f"give it more (docker run --shm-size={-(-total >> 20)}m), or lower max_batch_size",
        )
