"""compose/README.md: what runs where, and how it is started, looked at and stopped."""

from collections.abc import Iterator

from tritongen.parts import templates
from tritongen.records.plan import Plan
from tritongen.records.stack import PlannedStack


def write(plan: Plan, stack: PlannedStack) -> str:
    """Return the page."""
    return templates.fill(
        "compose/README.md",
        plan=plan,
        stack=stack,
        release=plan.release.tag,
        pages=list(_pages(plan, stack)),
        loadtests=list(plan.loadtests),
        ask=_ask(plan, stack),
        largest=_shown(stack.gateway.max_request_size) if stack.gateway else "",
    )


def _pages(plan: Plan, stack: PlannedStack) -> Iterator[tuple[str, str, str]]:
    """Yield what can be reached, at which address, and what it is for."""
    ports, host, here = stack.ports, _host(stack.bind), _host(stack.unguarded)
    scheme = "https" if stack.gateway and stack.gateway.tls else "http"
    through = "through the gateway" if stack.gateway else "Triton itself"
    yield "HTTP", f"{scheme}://{host}:{ports.http}", f"inference, {through}"
    yield "gRPC", f"{host}:{ports.grpc}", f"inference, {through}"
    if not stack.gateway:
        yield "metrics", f"http://{host}:{ports.metrics}/metrics", "Triton's own"
    yield "Grafana", f"http://{host}:{ports.grafana}", "dashboards; user admin, password in `.env`"
    yield "Prometheus", f"http://{here}:{ports.prometheus}", "metrics, rules, alerts"
    if plan.loadtests:
        yield "Locust", f"http://{here}:{ports.locust}", "load tests"
    alerts = "where alerts went" + ("" if stack.alertmanager else " (profile `alerts`)")
    yield "Alertmanager", f"http://{here}:{ports.alertmanager}", alerts
    if stack.tracing:
        yield "Jaeger", f"http://{here}:{ports.jaeger}", "traces of requests"


def _shown(number: int) -> str:
    """Return bytes as a person reads them."""
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if number % (1 << power) == 0:
            return f"{number >> power} {unit}"
    return f"{number} bytes"


def _host(address: str) -> str:
    """Return an address as a browser on this machine takes it."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
    return f"[{address}]" if ":" in address else address


def _ask(plan: Plan, stack: PlannedStack) -> str:
    """Return a command that asks what a model takes and gives."""
    scheme, more = "http", ""
    if stack.gateway and stack.gateway.tls:
        scheme, more = "https", " --insecure"
    if stack.gateway and stack.gateway.api_keys:
        more += ' --header "Authorization: Bearer $KEY"'
    return f"curl{more} {scheme}://{_host(stack.bind)}:{stack.ports.http}/v2/models/{_entry(plan)}"


def _entry(plan: Plan) -> str:
    """Name a model to ask: the last ensemble, which others are steps of, or else the last model."""
    ensembles = [model.name for model in plan.models.values() if model.kind == "ensemble"]
    return (ensembles or list(plan.models) or [""])[-1]
