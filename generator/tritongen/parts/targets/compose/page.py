"""compose/README.md: what runs where, and how it is started, looked at and stopped."""

from collections.abc import Iterator

from tritongen.parts import templates
from tritongen.records.plan import Plan
from tritongen.records.stack import PlannedStack


def write(plan: Plan, stack: PlannedStack) -> str:
    """Return the page."""
    host = "127.0.0.1" if stack.bind in ("0.0.0.0", "::") else stack.bind  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return templates.fill(
        "compose/README.md",
        plan=plan,
        stack=stack,
        release=plan.release.tag,
        host=host,
        pages=list(_pages(plan, stack, host)),
        loadtests=list(plan.loadtests),
        asks=_entry(plan),
    )


def _pages(plan: Plan, stack: PlannedStack, host: str) -> Iterator[tuple[str, str, str]]:
    """Yield what can be reached, at which address, and what it is for."""
    ports = stack.ports
    scheme = "https" if stack.gateway and stack.gateway.tls else "http"
    through = "through the gateway" if stack.gateway else "Triton itself"
    yield "HTTP", f"{scheme}://{host}:{ports.http}", f"inference, {through}"
    yield "gRPC", f"{host}:{ports.grpc}", f"inference, {through}"
    if not stack.gateway:
        yield "metrics", f"http://{host}:{ports.metrics}/metrics", "Triton's own"
    yield "Grafana", f"http://{host}:{ports.grafana}", "dashboards; user admin, password in `.env`"
    yield "Prometheus", f"http://{host}:{ports.prometheus}", "metrics, rules, alerts"
    if plan.loadtests:
        yield "Locust", f"http://{host}:{ports.locust}", "load tests"
    alerts = "where alerts went" + ("" if stack.alertmanager else " (profile `alerts`)")
    yield "Alertmanager", f"http://{host}:{ports.alertmanager}", alerts
    if stack.tracing:
        yield "Jaeger", f"http://{host}:{ports.jaeger}", "traces of requests"


def _entry(plan: Plan) -> str:
    """Name a model to ask: the last ensemble, which others are steps of, or else the last model."""
    ensembles = [model.name for model in plan.models.values() if model.kind == "ensemble"]
    return (ensembles or list(plan.models) or [""])[-1]
