"""A cached model takes inputs whose bytes do not tell their shape.

The response cache finds an answer by the model, its version and the bytes of the inputs; their
shapes were seen not to count. With two or more open dimensions, the batch among them, requests of
different shapes can have the same bytes: after `[4,1]`, a request of `[2,2]` with the same values
was given the first one's four rows. With one open dimension the number of bytes tells its size.

Ways out: leave `response_cache` out, or fix all dims but one.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short
from tritongen.records.views import tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about cached models with an input that has several open dimensions."""
    for model in plan.models.values():
        if not model.config.response_cache.enable:
            continue
        batches = model.config.max_batch_size > 0
        for section, path, tensor in tensors(plan, model):
            is_open = batches + list(tensor.dims).count(-1) > 1
            if section == "input" and is_open:
                yield Complaint(
                    path=path,
                    message=f"{model.name} is cached, and the shape of its input "
                    f"{tensor.name!r} ({short(tensor)}{' in a batch' if batches else ''}) "
                    "can't be told from its bytes",
                    why="Triton answers a request with what another one of another shape got",
                    fix="leave response_cache out, or fix all dims but one",
                )
