"""The first page: are the objectives kept, how much is asked, what fails, how long does it take."""

from collections.abc import Iterator

from tritongen.parts.targets.grafana import common
from tritongen.parts.targets.grafana.page import ORANGE, RED, Page, Panel, Query, Row, uid
from tritongen.parts.targets.grafana.watched import (
    asked,
    failure_limit,
    latency,
    latency_limits,
    shown,
    through_gateway,
)
from tritongen.records.monitoring import objectives, parts
from tritongen.records.plan import Plan

UNFOLDED = 4
"""How many models' rows are open; more would ask Prometheus a lot at once."""


def page(plan: Plan) -> Page:
    """Return the page."""
    return Page(
        name="overview",
        title="Overview",
        description=f"How {plan.name} does: objectives, requests, failures, latency, each model.",
        rows=tuple(_rows(plan)),
        notes=common.notes(plan),
    )


def _rows(plan: Plan) -> Iterator[Row]:
    yield Row(panels=tuple(_tiles(plan)), height=4)
    if objectives(plan):
        yield Row(title="Objectives", panels=tuple(_objectives(plan)), height=7)
    yield Row(title="Requests", panels=tuple(_requests(plan)), height=9)
    models = shown(plan)
    yield Row(title="Models", panels=(_table(plan),), height=min(4 + len(models), 12))
    for i, name in enumerate(models):
        kind = plan.models[name].kind
        title = f"{name} ({'Python step' if kind == 'step' else kind})"
        panels = tuple(_model(plan, name))
        yield Row(title=title, panels=panels, folded=i >= UNFOLDED)


def _tiles(plan: Plan) -> Iterator[Panel]:
    stack = common.stack(plan)
    yield common.tile(
        "Requests",
        f"sum({common.requests(plan).rate})",
        unit="reqps",
        what=f"{common.requests(plan).what}, over the last minute.",
    )
    limit = failure_limit(plan)
    failed = f"sum({common.requests(plan).failed}) / (sum({common.requests(plan).rate}) > 0)"
    yield common.tile(
        "Failed",
        failed,
        unit="percentunit",
        what="Share of these requests that failed by the server's fault"
        + (", held against the strictest objective." if limit else "."),
        decimals=2,
        limits=((limit or 0.01, RED),),
    )
    yield _slowest(plan)
    yield common.tile(
        "Waiting",
        "sum(tritongen:pending:sum)",
        unit="short",
        what="Requests in queues, over all models and replicas.",
    )
    yield common.tile(
        f"Replicas of {stack.replicas}",
        "tritongen:replicas_up:count",
        unit="short",
        what="Servers that answer Prometheus. Red: fewer than were planned.",
        below=RED,
        limits=((stack.replicas, "green"),),
    )
    yield common.tile(
        "Alerts",
        'count(ALERTS{alertstate="firing"}) or vector(0)',
        unit="short",
        what="Alerts that fire now; Prometheus' page /alerts says what to do.",
        limits=((1, RED),),
    )


def _slowest(plan: Plan) -> Panel:
    """Return the tile of the highest quantile that is known of what clients ask."""
    last = [latency(plan, name)[-1] for name in asked(plan)]
    said = "p99" if any(query.legend == "p99" for query in last) else "Mean time"
    chosen = [query for query in last if query.legend == "p99"] or last
    limits = sorted(limit for name in asked(plan) for limit in latency_limits(plan, name))
    return common.tile(
        f"{said} of the slowest",
        f"max({' or '.join(query.expr for query in chosen)})",
        unit="s",
        what=f"{said} of a request, of the model that clients ask and that is slowest.",
        limits=tuple(limits[:1]),
    )


def _objectives(plan: Plan) -> Iterator[Panel]:
    """Yield how fast what objectives allow is used up: 1 is all of it, in the time it is for."""
    failed = (
        "max by (model) (tritongen:slo_failed:ratio{} / on (model, seen) tritongen:slo:error_limit)"
    )
    slow = (
        "max by (model, objective) (tritongen:slo_slow:ratio{} / on (model, objective)"
        " group_left () tritongen:slo:slow_limit)"
    )
    kinds = {
        "slo_errors": (failed, "{{model}} error_rate"),
        "slo_latency": (slow, "{{model}} {{objective}}"),
    }
    said = [kinds[part] for part in sorted(kinds.keys() & parts(plan))]
    for title, window, kind in (
        ("Used of what is allowed, five minutes", "5m", "tiles"),
        ("Used of what is allowed, one hour", "1h", "lines"),
    ):
        yield Panel(
            title=title,
            description="Requests that failed or were too slow, as a multiple of those that the "
            "objective allows: above 1 it is missed if that goes on, at 14.4 somebody is woken.",
            unit="suffix: ×",
            kind=kind,  # type: ignore[arg-type]
            width=12,
            decimals=2,
            queries=tuple(Query(expr.format(window), legend) for expr, legend in said),
            limits=((1, ORANGE), (14.4, RED)),
        )


def _requests(plan: Plan) -> Iterator[Panel]:
    seen = common.requests(plan)
    yield Panel(
        title="Requests by model",
        description=f"{seen.what}, a second.",
        unit="reqps",
        queries=(Query(f"sum by (model) ({seen.rate})", "{{model}}"),),
    )
    yield Panel(
        title="Failures by model",
        description="Requests that failed by the server's fault, a second.",
        unit="reqps",
        queries=(Query(f"sum by (model) ({seen.failed})", "{{model}}"),),
    )
    yield Panel(
        title="Latency of what clients ask",
        description="The highest quantile that is known of each model; the mean where none is.",
        unit="s",
        queries=tuple(
            Query(query.expr, f"{name} {query.legend}")
            for name in asked(plan)
            for query in latency(plan, name)[-1:]
        ),
    )


def _table(plan: Plan) -> Panel:
    columns = {
        "Requests": ("tritongen:requests:rate1m", "reqps"),
        "Failed": ("tritongen:failed:ratio1m", "percentunit"),
        "Time": ("tritongen:latency:mean1m", "s"),
        "of it waiting": ("tritongen:queue_time:mean1m", "s"),
        "Computing": ("tritongen:compute_time:mean1m", "s"),
        "Batch": ("tritongen:batch_size:mean1m", "short"),
        "Busy instances": ("tritongen:busy_instances:mean1m", "short"),
        "Waiting requests": ("tritongen:pending:sum", "short"),
    }
    if "response_cache" in parts(plan):
        columns["From cache"] = ("tritongen:cache_hits:ratio1m", "percentunit")
    link = f"/d/{uid('model')}?var-model=${{__data.fields.Model}}&${{__url_time_range}}"
    return common.table(
        "Models",
        columns,
        first="Model",
        what="Each model over the last minute, by Triton's own count, ensembles and their steps "
        "alike; a click on its name shows more. Times are means.",
        link=link,
    )


def _model(plan: Plan, name: str) -> Iterator[Panel]:
    model = f'model="{name}"'
    yield Panel(
        title="Requests",
        description="Requests that the model answered and failed, a second, by Triton's count.",
        unit="reqps",
        width=6,
        queries=(
            Query(f"tritongen:successes:rate1m{{{model}}}", "answered"),
            Query(f"sum(tritongen:failures:rate1m{{{model}}})", "failed"),
        ),
    )
    at = "at the gateway" if through_gateway(plan, name) else "in the server"
    limits = latency_limits(plan, name)
    yield Panel(
        title="Latency",
        description=f"Time of a request, {at}" + ("; dashed: the objective." if limits else "."),
        unit="s",
        width=6,
        queries=latency(plan, name),
        limits=limits,
    )
    if plan.models[name].kind == "ensemble":
        yield common.step_times(name, 12)
        return
    yield Panel(
        title="Time of a request",
        description="Mean time in the queue and in the model, upon each other.",
        unit="s",
        kind="stack",
        width=6,
        queries=(
            Query(f"tritongen:queue_time:mean1m{{{model}}}", "waiting"),
            Query(f"tritongen:compute_time:mean1m{{{model}}}", "computing"),
        ),
    )
    yield Panel(
        title="Batches and instances",
        description="Inferences that were executed together, and instances that execute at a time, "
        "on all replicas.",
        unit="short",
        width=6,
        queries=(
            Query(f"tritongen:batch_size:mean1m{{{model}}}", "batch size"),
            Query(f"tritongen:busy_instances:mean1m{{{model}}}", "busy instances"),
        ),
    )
