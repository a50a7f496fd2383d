"""All services of the stack by name, in the order in which they are read, and their volumes."""

from typing import Any

from tritongen.parts.targets.compose import gateway, load, redis, triton, watching
from tritongen.records.plan import Plan
from tritongen.records.stack import (
    ALERTMANAGER,
    GATEWAY,
    GRAFANA,
    JAEGER,
    LOCUST_MASTER,
    LOCUST_WORKER,
    OPS,
    OTEL,
    PROMETHEUS,
    REDIS,
    TRITON,
    PlannedStack,
)


def services(plan: Plan, stack: PlannedStack) -> dict[str, Any]:
    """Return the services; what the spec does not ask for is not there, or waits in a profile."""
    found: dict[str, Any] = {TRITON: triton.service(plan, stack)}
    if stack.gateway:
        found[GATEWAY] = gateway.service(stack, stack.gateway)
    found[PROMETHEUS] = watching.prometheus(stack)
    found[GRAFANA] = watching.grafana(stack)
    if plan.loadtests:
        found[LOCUST_MASTER] = load.master(stack)
        found[LOCUST_WORKER] = load.worker(stack)
    if stack.redis:
        found[REDIS] = redis.service(stack)
    found[ALERTMANAGER] = watching.alertmanager(stack)
    if stack.tracing:
        found[OTEL] = watching.otel(stack)
        found[JAEGER] = watching.jaeger(stack)
    found[OPS] = load.ops(stack)
    return found


def volumes(stack: PlannedStack) -> dict[str, Any]:
    """Return the volumes: what outlives a container, and the socket that only two share."""
    found: dict[str, Any] = {"prometheus": {}, "grafana": {}, "alertmanager": {}}
    if stack.gateway:
        options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=1777"}
        found["gateway-run"] = {"driver": "local", "driver_opts": options}
    return found
