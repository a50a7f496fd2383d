"""An option of the server takes away what the stack needs of it.

The health check, the gateway and Prometheus ask Triton over HTTP without a secret: HTTP, its health
requests and its metrics have to be answered. TLS ends at the gateway, which asks Triton in the
clear on a network of their own. The stack's Redis does neither TLS nor users.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.server import Server

SEVERITY: Final = "error"
ENDS = "stack: {gateway: {haproxy: {tls: {certificate: ..., key: ...}}}}"
OWN = "name another Redis under host:"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about each such option."""
    if plan.stack is None:
        return
    for option, why, fix in (*_off(plan.server), *_tls(plan), *_redis(plan)):
        shown = option.replace(".", ": ")
        yield Complaint(
            path=("server", *option.split(".")),
            message=f"{shown} does not go with a stack",
            why=why,
            fix=fix,
        )


def _off(server: Server) -> Iterator[tuple[str, str, str]]:
    if server.allow_http is False:
        yield "allow_http", "its health check and the gateway's ask over HTTP", "leave it out"
    if server.allow_metrics is False:
        yield "allow_metrics", "Prometheus would have nothing to scrape", "leave it out"
    if any("health" in group.apis for group in server.http_restricted_api or ()):
        why = "its health check and the gateway's would be refused"
        yield "http_restricted_api", why, "leave `health` out of it: it tells no secrets"


def _tls(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for option in ("grpc_use_ssl", "grpc_use_ssl_mutual"):
        if getattr(plan.server, option):
            yield option, "the gateway asks Triton in the clear", f"end TLS at the gateway: {ENDS}"


def _redis(plan: Plan) -> Iterator[tuple[str, str, str]]:
    cache = plan.server.response_cache
    if cache and cache.redis and plan.stack and plan.stack.redis:
        for key in ("tls_enabled", "user"):
            if getattr(cache.redis, key):
                yield f"response_cache.redis.{key}", "the stack's own Redis has none", OWN
