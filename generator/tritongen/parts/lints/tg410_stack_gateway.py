"""Several replicas without a gateway.

Without a gateway Triton's own ports are published, and a port of the host leads to one container:
the second replica does not start. Nothing would divide the requests, either.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about replicas that can't all be reached."""
    stack = plan.stack
    if stack and stack.replicas > 1 and stack.gateway is None:
        yield Complaint(
            path=("stack", "replicas"),
            message=f"{stack.replicas} replicas, and no gateway before them",
            why="each would take the same ports of this machine",
            fix="write gateway: haproxy, or replicas: 1",
        )
