"""What watches the stack: Prometheus and its rules, Alertmanager, and the collector of traces."""

from collections.abc import Iterator, Mapping
from typing import Any

from tritongen.parts import generated
from tritongen.parts.targets.prometheus.delivery import alertmanager, collector
from tritongen.parts.targets.prometheus.rules import alert_rules, recording_rules
from tritongen.parts.targets.prometheus.scrapes import prometheus
from tritongen.records.plan import Plan
from tritongen.records.stack import (
    ALERTMANAGER_FOLDER,
    COMPOSE,
    OTEL_FOLDER,
    PROMETHEUS_FOLDER,
)
from tritongen.records.tree import Entry


def render(plan: Plan) -> Mapping[str, Entry]:
    """Return the configuration of what watches; nothing without a stack."""
    return {
        path: generated.write(plan, path, value, owner=COMPOSE, head=head)
        for path, value, head in (_files(plan) if plan.stack else ())
    }


def _files(plan: Plan) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield path, content and a comment for its top."""
    folder = PROMETHEUS_FOLDER
    yield f"{folder}/prometheus.yml", prometheus(plan), "Who is asked for metrics, how often."
    yield f"{folder}/rules.yml", recording_rules(plan), RULES
    yield (
        f"{folder}/alerts.yml",
        alert_rules(plan),
        "What may pass by itself: it has to hold for a while.",
    )
    yield f"{ALERTMANAGER_FOLDER}/alertmanager.yml", alertmanager(plan), "Where alerts go."
    if plan.stack and plan.stack.tracing:
        yield f"{OTEL_FOLDER}/collector.yml", collector(), "Traces go from Triton to Jaeger."


RULES = """\
What the plan knows, as series to be joined; then what is computed from the metrics.
Times are in seconds, rates a second, over the last minute unless their name says otherwise."""
