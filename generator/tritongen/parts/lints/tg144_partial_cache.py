"""A cached model has several outputs.

The response cache finds an answer by the model and its inputs; which outputs were asked for is no
part of that. If a client asks for one output only, that is what is cached, and the next client who
asks for both gets the one, with a 200. Safe if every client asks for all outputs, which is what
happens when a request names none.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about cached models of which a client may ask for a part."""
    for model in plan.models.values():
        if model.config.response_cache.enable and len(model.config.output) > 1:
            names = ", ".join(tensor.name for tensor in model.config.output)
            yield Complaint(
                path=(*model.path, "response_cache"),
                message=f"{model.name} is cached and has several outputs: {names}",
                why="after a request for some of them, others are missing in cached answers",
                fix="let all clients ask for the same outputs, or leave response_cache out",
            )
