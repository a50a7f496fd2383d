"""What HAProxy reads: which requests reach Triton, how they are shared out, what is counted."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tritongen.parts import generated, templates
from tritongen.records.metrics import OBJECTIVES
from tritongen.records.monitoring import objectives
from tritongen.records.plan import Plan
from tritongen.records.stack import (
    API_KEYS,
    GATEWAY,
    GATEWAY_FILE,
    GATEWAY_FOLDER,
    GATEWAY_GRPC,
    GATEWAY_HEALTH,
    GATEWAY_HTTP,
    GATEWAY_METRICS,
    GATEWAY_MODEL_METRICS,
    GATEWAY_SOCKET,
    TLS_CERTIFICATE,
    TRITON,
    TRITON_GRPC,
    TRITON_HTTP,
    Haproxy,
    PlannedStack,
)
from tritongen.records.tree import Entry, Text

THREADS = 4
"""At most, where the gateway's processors have no limit."""
ROOM = 10
"""Replicas that a gateway has slots for, at least: ``--scale triton=N`` needs no build."""
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds."""
DISCARDED = 4
"""How many times the largest request is read of one that is larger, before it is refused."""
PERIODS_S = (10, 60, 3600)

FAILURES = {
    400: "the gateway cannot read the request",
    408: "the request did not arrive in time",
    500: "the gateway failed",
    502: "the replica stopped in the middle of its answer",
    503: "no replica of Triton is ready",
    504: "Triton did not answer in time",
}
GRPC_STATUSES = {400: 13, 408: 4, 500: 13, 502: 14, 503: 14, 504: 4}
"""INTERNAL, DEADLINE_EXCEEDED, UNAVAILABLE."""


@dataclass(frozen=True, kw_only=True)
class Replica:
    """Where a Triton answers, ``host:port``."""

    http: str
    grpc: str


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where HAProxy listens and finds its files; ``replicas`` are found by name if none are said.

    What is not said is as in the stack's container.
    """

    http: str = f":{GATEWAY_HTTP}"
    grpc: str = f":{GATEWAY_GRPC}"
    metrics: str = f":{GATEWAY_METRICS}"
    folder: str = "/usr/local/etc/haproxy"
    socket: str = GATEWAY_SOCKET
    certificate: str = TLS_CERTIFICATE
    api_keys: str = API_KEYS
    replicas: tuple[Replica, ...] = ()


CONTAINER = Surroundings()


def render(plan: Plan) -> Mapping[str, Entry]:
    """Return the files of the gateway; none where there is no gateway."""
    return {
        f"{GATEWAY_FOLDER}/{name}": Text(text=text, owner=GATEWAY)
        for name, text in files(plan).items()
    }


def files(plan: Plan, at: Surroundings = CONTAINER) -> Mapping[str, str]:
    """Return what is in the gateway's folder, by name."""
    stack = plan.stack
    if stack is None or stack.gateway is None:
        return {}
    return {
        "haproxy.cfg": _configuration(plan, stack, stack.gateway, at)
        + generated.end(plan, GATEWAY_FILE),
        "metrics.lua": _lua(plan, stack.gateway),
    }


def _configuration(plan: Plan, stack: PlannedStack, gateway: Haproxy, at: Surroundings) -> str:
    grpc = stack.server.allow_grpc is not False
    stateful = sorted(_stateful(plan))
    assert gateway.retry_size is not None, "it is decided by then"
    return templates.fill(
        "gateway/haproxy.cfg",
        at=at,
        grpc=grpc,
        backends=["triton_http", *(["triton_grpc"] if grpc else [])],
        servers={
            "http": list(_servers(stack, at, grpc=False)),
            "grpc": list(_servers(stack, at, grpc=True)),
        },
        stateful=stateful,
        threads=math.ceil(stack.cpus.get(GATEWAY, THREADS)),
        bufsize=_buffer_bytes(gateway.retry_size),
        retry_size=gateway.retry_size,
        max_request_size=gateway.max_request_size,
        timeout_ms=math.ceil(gateway.timeout * 1000),
        rate=_rate(gateway.rate_limit),
        compression=gateway.compression,
        statistics=gateway.statistics,
        tls=gateway.tls is not None,
        api_keys=gateway.api_keys is not None,
        failures=FAILURES.items(),
        grpc_statuses=GRPC_STATUSES,
        # While a model is loaded, a server is not ready, and yet it answers.
        health=f"/v2/health/{'ready' if _never_changes(stack) else 'live'}",
        triton=TRITON,
        model_metrics=GATEWAY_MODEL_METRICS,
        health_page=GATEWAY_HEALTH,
    )


def _never_changes(stack: PlannedStack) -> bool:
    return stack.server.model_control_mode in (None, "none")


def _servers(stack: PlannedStack, at: Surroundings, *, grpc: bool) -> Iterator[str]:
    """Yield the lines of a backend that say which servers there are."""
    protocol = " proto h2" if grpc else ""
    for number, replica in enumerate(at.replicas, start=1):
        address = replica.grpc if grpc else replica.http
        port = f" port {replica.http.rpartition(':')[2]}" if grpc else ""
        yield f"server triton{number} {address}{protocol} check{port}"
    if not at.replicas:
        slots = max(ROOM, 2 * stack.replicas)
        address = f"{TRITON}:{TRITON_GRPC if grpc else TRITON_HTTP}"
        found = "resolvers docker resolve-prefer ipv4 init-addr none"
        port = f" port {TRITON_HTTP}" if grpc else ""
        yield f"server-template triton {slots} {address}{protocol} check{port} {found}"


def _stateful(plan: Plan) -> Iterator[str]:
    """Yield the models that keep something from one request to the next, and their ensembles."""
    found: set[str] = set()
    for model in plan.models.values():  # members stand before the ensembles that contain them
        steps = model.config.ensemble_scheduling.step
        if model.config.HasField("sequence_batching") or any(s.model_name in found for s in steps):
            found.add(model.name)
            yield model.name


def _buffer_bytes(retry_size: int) -> int:
    """Return the size of HAProxy's buffers: a request of that size, its headers, bookkeeping."""
    return (retry_size + retry_size // 16 + 16384) // 16 * 16


def _rate(limit: float | None) -> Mapping[str, int] | None:
    """Return how many requests in which period, whole numbers as HAProxy wants them."""
    if limit is None:
        return None
    period_s = next((each for each in PERIODS_S if limit * each >= 1), PERIODS_S[-1])
    return {"requests": max(1, math.floor(limit * period_s)), "period_s": period_s}


def _lua(plan: Plan, gateway: Haproxy) -> str:
    limits = {each.limit for each in objectives(plan) if each.name in OBJECTIVES}
    bounds = sorted({*BOUNDS, *limits})
    return templates.fill(
        "gateway/metrics.lua",
        models=list(plan.models),
        bounds=[f"{bound:.12g}" for bound in bounds],
        max_request_size=gateway.max_request_size,
        discarded_parts=max(1, DISCARDED * gateway.max_request_size >> 16),
    )
