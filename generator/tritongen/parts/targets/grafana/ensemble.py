"""The page of an ensemble: step by step, where the time of its requests goes."""

from collections.abc import Iterator

from tritongen.parts.targets.grafana import common
from tritongen.parts.targets.grafana.page import ORANGE, RED, Page, Panel, Query, Row
from tritongen.parts.targets.grafana.watched import (
    REPLICAS,
    instances,
    latency,
    latency_limits,
)
from tritongen.records.monitoring import uses
from tritongen.records.plan import Plan


def page(plan: Plan, ensemble: str) -> Page:
    """Return the page of one ensemble."""
    return Page(
        name=f"ensemble-{ensemble}",
        title=f"Ensemble {ensemble}",
        description=f"Where the time of {ensemble} goes: step by step, waiting against computing.",
        rows=tuple(_rows(plan, ensemble)),
        notes=common.notes(plan),
    )


def _rows(plan: Plan, ensemble: str) -> Iterator[Row]:
    yield Row(panels=tuple(_tiles(plan, ensemble)), height=4)
    yield Row(title="Where the time goes", panels=tuple(_times(ensemble)), height=9)
    yield Row(title="Waiting and computing", panels=tuple(_parts(plan, ensemble)), height=9)
    yield Row(title="Batches and instances", panels=tuple(_capacity(plan, ensemble)), height=9)
    height = 4 + len(uses(plan, ensemble))
    yield Row(title="Steps", panels=(_table(ensemble),), height=min(height, 14))


def _tiles(plan: Plan, ensemble: str) -> Iterator[Panel]:
    model, own = f'model="{ensemble}"', f'ensemble="{ensemble}"'
    limits = latency_limits(plan, ensemble)
    last = latency(plan, ensemble)[-1]
    queries = {
        "Requests": (f"tritongen:requests:rate1m{{{model}}}", "reqps", "Requests a second."),
        "Failed": (f"tritongen:failed:ratio1m{{{model}}}", "percentunit", "Share that failed."),
        last.legend: (last.expr, "s", "Time of a request, as near to the client as is known."),
        "Steps together": (
            f"sum(tritongen:step_time:mean1m{{{own}}})",
            "s",
            "Mean time in all steps, waiting included; more than the request takes where steps "
            "run side by side.",
        ),
        "Waiting": (
            f"tritongen:queue_time:ratio1m{{{model}}}",
            "percentunit",
            "Waiting in the steps' queues as a share of waiting and computing.",
        ),
        "Slowest step": (
            f"topk(1, tritongen:step_time:ratio1m{{{own}}})",
            "percentunit",
            "The step that takes most, and its share of the time of all steps.",
        ),
    }
    for title, (expr, unit, what) in queries.items():
        yield common.tile(
            title,
            expr,
            unit=unit,
            what=f"{what} Over the last minute.",
            decimals=2,
            legend="{{model}}" if title == "Slowest step" else "",
            limits=limits[:1] if title == last.legend else (),
        )


def _times(ensemble: str) -> Iterator[Panel]:
    yield common.step_times(ensemble, 16)
    yield Panel(
        title="Share of each step",
        description="Each step's share of the time of all steps, over the last minute.",
        unit="percentunit",
        kind="bars",
        most=1,
        queries=(
            Query(f'sort_desc(tritongen:step_time:ratio1m{{ensemble="{ensemble}"}})', "{{model}}"),
        ),
    )


def _parts(plan: Plan, ensemble: str) -> Iterator[Panel]:
    own = f'ensemble="{ensemble}"'
    yield Panel(
        title="Waiting in each step",
        description="Mean time of a request in the queue of each step, upon each other.",
        unit="s",
        kind="stack",
        queries=(Query(f"tritongen:step_queue_time:mean1m{{{own}}}", "{{model}}"),),
    )
    yield Panel(
        title="Computing in each step",
        description="Mean time in which a request's batch is executed in each step, upon each "
        "other.",
        unit="s",
        kind="stack",
        queries=(Query(_computing(own), "{{model}}"),),
    )
    steps = "|".join(uses(plan, ensemble)).replace(".", "[.]")
    yield Panel(
        title="Share of waiting",
        description="Waiting as a share of waiting and computing: a step that mostly waits lacks "
        "instances or replicas.",
        unit="percentunit",
        kind="bars",
        most=1,
        queries=(
            Query(f'sort_desc(tritongen:queue_time:ratio1m{{model=~"{steps}"}})', "{{model}}"),
        ),
        limits=((0.5, ORANGE), (0.8, RED)),
    )


def _computing(own: str) -> str:
    return f"tritongen:step:uses{{{own}}} * on (model) group_left () tritongen:compute_time:mean1m"


def _capacity(plan: Plan, ensemble: str) -> Iterator[Panel]:
    sizes = {name: plan.models[name].config.max_batch_size for name in uses(plan, ensemble)}
    fills = tuple(
        Query(f'tritongen:batch_size:mean1m{{model="{name}"}} / {size}', f"{name} (of {size})")
        for name, size in sizes.items()
        if size > 1
    )
    if fills:
        yield Panel(
            title="How full batches are",
            description="Mean size of an executed batch, as a share of max_batch_size.",
            unit="percentunit",
            most=1,
            queries=fills,
        )
    yield Panel(
        title="Batch size",
        description="Inferences that were executed together, on average.",
        unit="short",
        queries=tuple(
            Query(f'tritongen:batch_size:mean1m{{model="{name}"}}', name) for name in sizes
        ),
    )
    known = {name: count for name in sizes if (count := instances(plan, name))}
    if known:
        yield Panel(
            title="How busy instances are",
            description="Share of the instances, on all replicas, that execute at a time.",
            unit="percentunit",
            most=1,
            queries=tuple(
                Query(_busy(name, count), f"{name} (of {count} a replica)")
                for name, count in known.items()
            ),
            limits=((0.9, RED),),
        )
    if rest := [name for name in sizes if name not in known]:
        yield Panel(
            title="Busy instances",
            description="Instances that execute at a time, on all replicas.",
            unit="short",
            queries=tuple(
                Query(f'tritongen:busy_instances:mean1m{{model="{name}"}}', name) for name in rest
            ),
        )


def _busy(name: str, count: int) -> str:
    busy = f'tritongen:busy_instances:mean1m{{model="{name}"}}'
    return f"{busy} / on () group_left () ({count} * {REPLICAS} > 0)"


def _table(ensemble: str) -> Panel:
    own = f'ensemble="{ensemble}"'

    def of(series: str) -> str:
        return f"tritongen:step:uses{{{own}}} * 0 + on (model) group_left () {series}"

    columns = {
        "Time": (f"tritongen:step_time:mean1m{{{own}}}", "s"),
        "Waiting": (f"tritongen:step_queue_time:mean1m{{{own}}}", "s"),
        "Computing": (_computing(own), "s"),
        "Share": (f"tritongen:step_time:ratio1m{{{own}}}", "percentunit"),
        "Batch": (of("tritongen:batch_size:mean1m"), "short"),
        "Busy instances": (of("tritongen:busy_instances:mean1m"), "short"),
        "Failed": (of("tritongen:failed:ratio1m"), "percentunit"),
    }
    what = "Each step over the last minute; times are of one request of the ensemble."
    return common.table("Steps", columns, first="Step", what=what)
