"""The page of load tests: what was offered and answered, the client's view upon the server's."""

from collections.abc import Iterator
from dataclasses import replace

from tritongen.parts.targets.grafana import common
from tritongen.parts.targets.grafana.page import ORANGE, RED, Page, Panel, Query, Row, Variable
from tritongen.parts.targets.grafana.watched import asked, latency_limits
from tritongen.records.plan import Plan

THIS = 'job="locust", loadtest=~"$loadtest"'
OFFERED = f"sum(rate(loadtest_requests_offered_total{{{THIS}}}[1m]))"
ANSWERED = f"sum(rate(loadtest_requests_answered_total{{{THIS}}}[1m]))"
UNSENT = f"sum(rate(loadtest_requests_unsent_total{{{THIS}}}[1m]))"
FAILED = f"sum(rate(loadtest_requests_failed_total{{{THIS}}}[1m]))"
NO_TEST = "no load test"


def page(plan: Plan) -> Page:
    """Return the page."""
    chosen = Variable(
        name="loadtest",
        label="Load test",
        values="label_values(loadtest_running, loadtest)",
        description="Load tests that are shown; they run one after the other",
        many=True,
    )
    return Page(
        name="loadtests",
        title="Load tests",
        description="Offered against answered; latency where it is felt against the server's own.",
        rows=tuple(_rows(plan)),
        variables=(chosen,),
        notes=common.notes(plan),
    )


def _rows(plan: Plan) -> Iterator[Row]:
    yield Row(panels=tuple(_tiles(plan)), height=4)
    yield Row(title="Offered and answered", panels=tuple(_rates()), height=9)
    yield Row(title="Client and server", panels=tuple(_latency(plan)), height=9)
    yield Row(title="The load program", panels=tuple(_program()))


def _quantile(share: float) -> str:
    buckets = f"sum by (le) (rate(loadtest_latency_seconds_bucket{{{THIS}}}[1m]))"
    return f"histogram_quantile({share}, {buckets}) >= 0"


def _tiles(plan: Plan) -> Iterator[Panel]:
    limits = sorted(limit for name in asked(plan) for limit in latency_limits(plan, name))
    tiles = (
        ("Offered", OFFERED, "reqps", "Requests that were due, a second.", ()),
        ("Answered", ANSWERED, "reqps", "Requests that were answered as expected, a second.", ()),
        (
            "Failed",
            f"(({FAILED} or vector(0)) + {UNSENT}) / ({OFFERED} > 0)",
            "percentunit",
            "Share of what was due that failed or could not be sent.",
            ((0.001, ORANGE), (0.01, RED)),
        ),
        ("p99", _quantile(0.99), "s", "Latency from when a request was due.", limits[:1]),
        (
            "In flight",
            'sum(loadtest_in_flight{job="locust"})',
            "short",
            "Requests on their way.",
            (),
        ),
        (
            "Busiest worker",
            'max(loadtest_worker_cpu_ratio{job="locust"})',
            "percentunit",
            "Share of one core that the busiest worker uses: near 100% it measures itself.",
            ((0.7, ORANGE), (0.9, RED)),
        ),
    )
    for title, expr, unit, what, colours in tiles:
        tile = common.tile(
            title,
            expr,
            unit=unit,
            what=what,
            decimals=2,
            limits=tuple(colours),
        )
        yield replace(tile, silent=NO_TEST)


def _rates() -> Iterator[Panel]:
    yield Panel(
        title="Offered and answered",
        description="Requests a second over the last minute, warm-up included: where the lines "
        "part, the server does not keep up.",
        unit="reqps",
        width=16,
        queries=(
            Query(OFFERED, "offered"),
            Query(ANSWERED, "answered"),
            Query(f"{FAILED} or vector(0)", "failed"),
            Query(UNSENT, "not sent in time"),
        ),
        silent=NO_TEST,
    )
    kinds = f"sum by (kind, code) (rate(loadtest_requests_failed_total{{{THIS}}}[1m]))"
    yield Panel(
        title="Failures by kind",
        description="Failed requests a second, by kind and by the protocol's code.",
        unit="reqps",
        queries=(
            Query(
                f'{kinds} or label_replace(vector(0), "kind", "none", "", "")', "{{kind}} {{code}}"
            ),
        ),
        silent=NO_TEST,
    )


def _latency(plan: Plan) -> Iterator[Panel]:
    models = "|".join(asked(plan)).replace(".", "[.]")
    yield Panel(
        title="Latency, client against server",
        description="The client's quantiles count from when a request was due; the server's mean "
        "is by Triton's own clock. What lies between is the way there and back.",
        unit="s",
        width=16,
        queries=(
            *(Query(_quantile(share), said) for said, share in CLIENT.items()),
            Query(f'tritongen:latency:mean1m{{model=~"{models}"}}', "{{model}} in Triton, mean"),
        ),
        silent=NO_TEST,
    )
    yield Panel(
        title="Waiting requests in the server",
        description="Requests in queues by model, over all replicas.",
        unit="short",
        kind="stack",
        queries=(Query("tritongen:pending:sum", "{{model}}"),),
    )


CLIENT = {"client p50": 0.5, "client p95": 0.95, "client p99": 0.99}


def _program() -> Iterator[Panel]:
    yield Panel(
        title="Requests on their way",
        description="Sent and not yet answered, and how many can be at once.",
        unit="short",
        queries=(
            Query('sum(loadtest_in_flight{job="locust"})', "on their way"),
            Query('sum(loadtest_users{job="locust"})', "at most"),
        ),
        silent=NO_TEST,
    )
    yield Panel(
        title="Workers",
        description="Workers that take part in the load test and report.",
        unit="short",
        queries=(Query('sum(loadtest_workers{job="locust"})', "workers"),),
        silent=NO_TEST,
    )
    yield Panel(
        title="Busiest worker",
        description="Share of one core that it uses: near 100% latency is the load program's own.",
        unit="percentunit",
        most=1,
        queries=(Query('max(loadtest_worker_cpu_ratio{job="locust"})', "busiest worker"),),
        limits=((0.9, RED),),
        silent=NO_TEST,
    )
