"""Grafana's side of the stack: its data source, and dashboards of what the plan has."""

from collections.abc import Iterator, Mapping
from typing import Any

from tritongen.parts import generated
from tritongen.parts.targets.grafana import (
    draw,
    ensemble,
    gateway,
    loadtest,
    machine,
    model,
    overview,
    provisioning,
)
from tritongen.parts.targets.grafana.page import Page
from tritongen.parts.targets.grafana.watched import ensembles
from tritongen.records.monitoring import parts
from tritongen.records.plan import Plan
from tritongen.records.stack import DASHBOARDS, GRAFANA_FOLDER, PROVISIONING
from tritongen.records.tree import Entry


def render(plan: Plan) -> Mapping[str, Entry]:
    """Return provisioning and dashboards; nothing without a stack.

    Raises:
        ToolMissingError: Grafana's SDK is not there.
    """
    return {
        path: generated.write(plan, path, value, owner=GRAFANA_FOLDER, head=head)
        for path, value, head in (_files(plan) if plan.stack else ())
    }


def pages(plan: Plan) -> Iterator[Page]:
    """Yield what there is to show: of a gateway, ensembles and load tests only where there are."""
    yield overview.page(plan)
    yield model.page(plan)
    for name in ensembles(plan):
        yield ensemble.page(plan, name)
    if "gateway" in parts(plan):
        yield gateway.page(plan)
    yield machine.page(plan)
    if plan.loadtests:
        yield loadtest.page(plan)


def _files(plan: Plan) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield path, content and a comment for its top."""
    source = "Where Prometheus answers; its uid stands in every panel."
    yield f"{PROVISIONING}/datasources/prometheus.yml", provisioning.datasources(), source
    folder = (
        "Dashboards are files. Edits in Grafana are not kept; put files of your own beside these."
    )
    yield f"{PROVISIONING}/dashboards/tritongen.yml", provisioning.dashboards(plan), folder
    for page in pages(plan):
        yield f"{DASHBOARDS}/{page.name}.json", draw.draw(page), ""
