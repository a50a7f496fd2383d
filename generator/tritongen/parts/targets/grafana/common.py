"""What several pages show."""

from collections.abc import Mapping
from dataclasses import dataclass

from tritongen.parts.targets.grafana.page import (
    GREEN,
    Note,
    Panel,
    Query,
    Steps,
    Variable,
)
from tritongen.parts.targets.grafana.watched import asked
from tritongen.records.monitoring import parts
from tritongen.records.plan import Plan
from tritongen.records.stack import PlannedStack

REPLICA = Variable(
    name="replica",
    label="Replica",
    values='label_values(up{job="triton"}, instance)',
    description="Servers whose own figures are shown",
    many=True,
)


def stack(plan: Plan) -> PlannedStack:
    """Return the stack of a plan that has one."""
    assert plan.stack is not None, "pages are rendered for a stack"
    return plan.stack


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Series of requests and failures by model, where clients send them."""

    what: str
    rate: str
    failed: str


def requests(plan: Plan) -> Requests:
    """Return what clients send: by the gateway's count, else by Triton's of the models they ask."""
    if "gateway" in parts(plan):
        return Requests(
            what="Inference requests that the gateway answered",
            rate="tritongen:gateway_requests:rate1m",
            failed="tritongen:gateway_failed:rate1m",
        )
    models = f'{{model=~"{"|".join(asked(plan)).replace(".", "[.]")}"}}'
    return Requests(
        what="Requests for the models that clients ask",
        rate=f"tritongen:requests:rate1m{models}",
        failed=f"tritongen:failed:rate1m{models}",
    )


def notes(plan: Plan) -> tuple[Note, ...]:
    """Return what is marked in all pictures: alerts, and load tests while they run."""
    alert = Note(name="Alerts", expr='ALERTS{alertstate="firing"}', colour="red")
    load = Note(name="Load tests", expr="loadtest_running > 0", colour="blue")
    return (alert, load) if plan.loadtests else (alert,)


def tile(
    title: str,
    expr: str,
    *,
    unit: str,
    what: str,
    legend: str = "",
    decimals: int | None = None,
    limits: Steps = (),
    below: str = GREEN,
) -> Panel:
    """Return what a query gives now, as a number; the other fields are the panel's."""
    return Panel(
        title=title,
        description=what,
        unit=unit,
        queries=(Query(expr, legend),),
        kind="tiles",
        width=4,
        limits=limits,
        below=below,
        decimals=decimals,
    )


def table(
    title: str,
    columns: Mapping[str, tuple[str, str]],
    *,
    first: str,
    what: str,
    link: str = "",
) -> Panel:
    """Return a row for each model: a query and its unit by the heading of its column."""
    return Panel(
        title=title,
        description=what,
        unit="short",
        queries=tuple(
            Query(f"sum by (model) ({expr})", name) for name, (expr, _) in columns.items()
        ),
        kind="table",
        width=24,
        decimals=2,
        columns={"model": first},
        units={name: unit for name, (_, unit) in columns.items()},
        link=link,
    )


def step_times(ensemble: str, width: int) -> Panel:
    """Return where the time of an ensemble's requests goes."""
    return Panel(
        title="Time in each step",
        description="Mean time of a request in each step, waiting included, upon each other; steps "
        "that run side by side overlap, so their sum may be more than the request takes.",
        unit="s",
        kind="stack",
        width=width,
        queries=(Query(f'tritongen:step_time:mean1m{{ensemble="{ensemble}"}}', "{{model}}"),),
    )
