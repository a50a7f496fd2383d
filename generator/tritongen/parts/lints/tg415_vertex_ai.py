"""Vertex AI's protocol is asked for outside of Vertex AI.

With `allow_vertex_ai: true` the server ends unless `AIP_PREDICT_ROUTE` and `AIP_HEALTH_ROUTE`, the
paths that it answers there, are in its environment. On Vertex AI they are, with
`AIP_MODE=PREDICTION`, which turns the protocol on (and HTTP and gRPC off) by itself: the option is
needed nowhere. It listens at all addresses. To try it here all the same, say both variables to
`tritongen up`; in a stack, under `extra:`

    docker-compose.yml:
      services:
        triton:
          environment: {AIP_PREDICT_ROUTE: /predict, AIP_HEALTH_ROUTE: /health}
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.stack import COMPOSE_FILE, TRITON

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain, unless ``extra`` gives the stack's Triton an environment of its own."""
    in_stack = plan.stack is not None and _says_environment(plan.stack.extra)
    if plan.server.allow_vertex_ai and not in_stack:
        yield Complaint(
            path=("server", "allow_vertex_ai"),
            message="Vertex AI's protocol is turned on by hand",
            why="the server ends without AIP_PREDICT_ROUTE and AIP_HEALTH_ROUTE in its "
            "environment; on Vertex AI they are there, and AIP_MODE turns it on by itself",
            fix="leave it out, or start the server with both variables",
        )


def _says_environment(extra: Any) -> bool:
    for key in (COMPOSE_FILE, "services", TRITON, "environment"):
        if not isinstance(extra, Mapping):
            return False
        extra = extra.get(key)
    return extra is not None
