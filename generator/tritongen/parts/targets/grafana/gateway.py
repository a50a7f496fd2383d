"""The page of the gateway: what clients sent and got, and which servers it finds."""

from collections.abc import Iterator

from tritongen.parts.targets.grafana import common
from tritongen.parts.targets.grafana.page import GREEN, RED, Page, Panel, Query, Row
from tritongen.parts.targets.grafana.watched import asked, failure_limit, through_gateway
from tritongen.records.plan import Plan

REQUESTS = "tritongen:gateway_requests:rate1m"
TIME = "tritongen_gateway_request_duration_seconds"


def page(plan: Plan) -> Page:
    """Return the page."""
    return Page(
        name="gateway",
        title="Gateway",
        description="What clients sent and were answered, what was turned away, who is ready.",
        rows=tuple(_rows(plan)),
        notes=common.notes(plan),
    )


def _rows(plan: Plan) -> Iterator[Row]:
    yield Row(panels=tuple(_tiles(plan)), height=4)
    yield Row(title="Requests", panels=tuple(_requests()))
    yield Row(title="Latency", panels=tuple(_latency(plan)))
    yield Row(title="Servers", panels=tuple(_servers()))


def _tiles(plan: Plan) -> Iterator[Panel]:
    replicas = common.stack(plan).replicas
    limit = failure_limit(plan) or 0.01
    tiles = (
        ("Requests", f"sum({REQUESTS})", "reqps", "Inference requests a second.", ()),
        (
            "Failed",
            f"sum(tritongen:gateway_failed:rate1m) / (sum({REQUESTS}) > 0)",
            "percentunit",
            "Share of them that failed by the server's fault.",
            ((limit, RED),),
        ),
        (
            "Turned away",
            "sum(tritongen:gateway_rejections:rate1m)",
            "reqps",
            "Requests a second that found a full queue or no server, or came too often.",
            ((1e-9, RED),),
        ),
        (
            "Sent again",
            "sum(tritongen:gateway_retries:rate1m)",
            "reqps",
            "Requests a second that went to a server again, or to another: clients lost nothing.",
            (),
        ),
        (
            "Answers over HTTP that are 5xx",
            "max(tritongen:gateway_errors:ratio1m)",
            "percentunit",
            "Share of all answers, health and metadata included, of the worse protocol.",
            ((limit, RED),),
        ),
    )
    for title, expr, unit, said, limits in tiles:
        what = f"{said} Over the last minute."
        yield common.tile(title, expr, unit=unit, what=what, limits=limits, decimals=2)
    yield common.tile(
        f"Ready of {replicas}",
        "tritongen:gateway_servers:min",
        unit="short",
        what="Servers that the gateway finds ready, of the protocol that has the fewest.",
        below=RED,
        limits=((replicas, GREEN),),
    )


def _requests() -> Iterator[Panel]:
    for title, label, what in (
        ("By model", "{{model}}", "model"),
        ("By answer", "{{protocol}} {{code}}", "protocol, code"),
    ):
        yield Panel(
            title=title,
            description="Inference requests a second, streams left out; codes are HTTP's status "
            "or gRPC's by name.",
            unit="reqps",
            queries=(Query(f"sum by ({what}) ({REQUESTS} > 0)", label),),
        )
    yield Panel(
        title="Turned away",
        description="Requests a second by model and reason; Triton counts those of a full queue "
        "nowhere.",
        unit="reqps",
        queries=(Query("tritongen:gateway_rejections:rate1m", "{{model}} {{reason}}"),),
    )


def _latency(plan: Plan) -> Iterator[Panel]:
    for said, share in (("p50", "0.5"), ("p95", "0.95"), ("p99", "0.99")):
        yield Panel(
            title=f"Latency, {said}",
            description="From the whole request's arrival to the start of a good answer, over all "
            "replicas; right to the width of a bucket.",
            unit="s",
            width=6,
            queries=(
                Query(f'tritongen:gateway_latency:quantile{{quantile="{share}"}}', "{{model}}"),
            ),
        )
    seen = "|".join(name for name in asked(plan) if through_gateway(plan, name))
    models = f'model=~"{seen.replace(".", "[.]")}"'
    gateway = (
        f"sum by (model) (rate({TIME}_sum{{{models}}}[1m]))"
        f" / (sum by (model) (rate({TIME}_count{{{models}}}[1m])) > 0)"
    )
    yield Panel(
        title="Before and in the server",
        description="Mean time of a request as the gateway sees it, and in Triton: what lies "
        "between is connections, transfer and Triton's endpoints.",
        unit="s",
        width=6,
        queries=(
            Query(gateway, "{{model}} at the gateway"),
            Query(f"tritongen:latency:mean1m{{{models}}}", "{{model}} in Triton"),
        ),
    )


def _servers() -> Iterator[Panel]:
    gateway = 'job="gateway"'
    yield Panel(
        title="Ready servers",
        description="Servers that the gateway finds ready, and those that answer Prometheus.",
        unit="short",
        queries=(
            Query(f'haproxy_backend_active_servers{{{gateway}, proxy=~"triton_.+"}}', "{{proxy}}"),
            Query("tritongen:replicas_up:count", "answer Prometheus"),
        ),
    )
    yield Panel(
        title="Requests sent again",
        description="Requests a second that a server did not answer and that were sent again.",
        unit="reqps",
        queries=(Query("tritongen:gateway_retries:rate1m", "{{proxy}}"),),
    )
    answers = f'haproxy_frontend_http_responses_total{{{gateway}, proxy=~"http|grpc"}}'
    yield Panel(
        title="All answers",
        description="Answers a second by HTTP's status, of any kind of request; gRPC's errors are "
        "2xx here.",
        unit="reqps",
        queries=(Query(f"sum by (proxy, code) (rate({answers}[1m])) > 0", "{{proxy}} {{code}}"),),
    )
