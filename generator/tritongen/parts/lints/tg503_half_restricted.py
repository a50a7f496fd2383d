"""A part of the protocol is restricted on one of the server's two ports only.

`http_restricted_api` and `grpc_restricted_protocol` are independent: who is refused at the one port
does the same at the other. Restrict the same parts at both, or turn one service off
(`allow_http: false`).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.server import Restricted

SEVERITY: Final = "warning"
OPTIONS: Final = (
    ("http_restricted_api", "grpc_restricted_protocol", "gRPC"),
    ("grpc_restricted_protocol", "http_restricted_api", "HTTP"),
)


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about parts that the other service answers to everyone."""
    server = plan.server
    if server.allow_http is False or server.allow_grpc is False:
        return
    for option, twin, other in OPTIONS:
        open_there = _apis(getattr(server, option)) - _apis(getattr(server, twin))
        if open_there:
            listed = ", ".join(sorted(open_there))
            yield Complaint(
                path=("server", option),
                message=f"{option} restricts {listed}, which {other} answers to everyone",
                why="the two options are independent, and the same can be asked at both ports",
                fix=f"add {listed} to {twin}",
            )


def _apis(groups: tuple[Restricted, ...] | None) -> set[str]:
    return {api for group in groups or () for api in group.apis}
