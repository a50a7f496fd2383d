"""A model batches where its backend can't, or does not where it has to.

FIL loads models with `max_batch_size` above 0 only: a row is a request's smallest part. An AOT
Inductor package has the shapes that it was compiled for, and the repeat backend answers one
request at a time: with them `max_batch_size` is 0, and a sequence batcher can't feed a package.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import Backed, backed
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about batching that the backend refuses."""
    for item in backed(plan):
        batching = item.backend.batching(item.model.config)
        size = item.model.config.max_batch_size
        if batching == "always" and size == 0:
            fix = "set max_batch_size to the most rows of one call, such as 1024"
            yield _complaint(item, "max_batch_size", "loads only models that batch", fix)
        elif batching == "never" and size > 0:
            yield _complaint(item, "max_batch_size", "can't batch", "set max_batch_size: 0")
        elif batching == "never" and item.model.config.HasField("sequence_batching"):
            fix = "leave sequence_batching out"
            yield _complaint(item, "sequence_batching", "can't be fed by a sequence batcher", fix)


def _complaint(item: Backed, field: str, problem: str, fix: str) -> Complaint:
    what = item.model.config.platform or item.backend.name
    return Complaint(
        path=(*item.model.path, field),
        message=f"max_batch_size of {item.model.name} is {item.model.config.max_batch_size}, "
        f"but {what} {problem}"
        if field == "max_batch_size"
        else f"{item.model.name}: {what} {problem}",
        why="the backend refuses the model when it loads it",
        fix=fix,
    )
