"""A full batch is larger than an HTTP request may be.

From release 25.06 on Triton refuses HTTP requests of more than 64 MB, unless the server is started
with a larger `--http-max-input-size`. gRPC has no such limit. Counted are the inputs of a full
batch in binary form; written as JSON they are several times larger.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.views import size_bytes

SEVERITY: Final = "warning"
SINCE = "25.06"
LIMIT_BYTES = 64 << 20


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about models that clients ask, and whose full batch is too large for HTTP."""
    if plan.release.tag < SINCE:
        return
    inner = {step.model_name for _, _, step in plan.steps()}
    for model in plan.models.values():
        if model.name in inner or model.kind == "external":
            continue
        rows = max(model.config.max_batch_size, 1)
        total = rows * sum(size_bytes(tensor) or 0 for tensor in model.config.input)
        if total > LIMIT_BYTES:
            yield Complaint(
                path=(*model.path, "max_batch_size"),
                message=f"a full batch of {model.name} is {total >> 20} MiB",
                why="Triton refuses HTTP requests of more than 64 MiB",
                fix="ask it over gRPC or with fewer rows, "
                f"or start Triton with --http-max-input-size={total * 2}",
            )
