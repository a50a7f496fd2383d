"""Recording and alert rules: those of ``resources/rules.toml`` that fit the plan, and its facts."""

from collections.abc import Iterator, Mapping
from typing import Any

from tritongen.parts.targets.prometheus.facts import facts
from tritongen.records.metrics import Alert, Recorded, alerts, recorded
from tritongen.records.monitoring import parts
from tritongen.records.plan import Plan

GROUP = "tritongen"
LONG = "3d"
"""What looks back so far is evaluated once a minute: it reads 50,000 points of each series."""


def recording_rules(plan: Plan) -> Mapping[str, Any]:
    """Return the content of ``rules.yml``: a group in which each rule sees those before it.

    The alerts of what has failed are last in it: they are evaluated together with what they need,
    and fire one evaluation earlier than in a group of their own.
    """
    short: list[Mapping[str, Any]] = []
    long: list[Mapping[str, Any]] = []
    for rule in recorded(parts(plan)):
        (long if rule.name.endswith(LONG) else short).append(_recording(rule))
    hard = [_alerting(alert) for alert in alerts(parts(plan)) if not alert.lasting]
    groups: list[Mapping[str, Any]] = [{"name": GROUP, "rules": [*facts(plan), *short, *hard]}]
    if long:
        groups.append({"name": f"{GROUP}-long", "interval": "1m", "rules": long})
    return {"groups": groups}


def alert_rules(plan: Plan) -> Mapping[str, Any]:
    """Return the content of ``alerts.yml``: what may pass by itself and has to hold for a while."""
    lasting: Iterator[Alert] = (alert for alert in alerts(parts(plan)) if alert.lasting)
    return {"groups": [{"name": f"{GROUP}-lasting", "rules": list(map(_alerting, lasting))}]}


def _recording(rule: Recorded) -> Mapping[str, Any]:
    labels = {"labels": dict(rule.added)} if rule.added else {}
    return {"record": rule.name, "expr": rule.expr, **labels}


def _alerting(alert: Alert) -> Mapping[str, Any]:
    lasting = {"for": alert.lasting} if alert.lasting else {}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **lasting,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "action": alert.action,
        },
    }
