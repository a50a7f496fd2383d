"""What fails raises its alert, in Prometheus and at Alertmanager."""

import time

import pytest
from tests.integration.compose.measured import measured
from tests.integration.compose.project import Project
from tests.integration.compose.prometheus import Prometheus, until
from tests.integration.compose.replicas.conftest import ask

EVALUATION_S = 5
"""How often the rules are evaluated."""
FAILING = ("RequestsFail",)
"""Errors of a Python model are successes to Triton: only the gateway sees them."""


def firing(alert: str) -> str:
    return f'ALERTS{{alertname="{alert}", alertstate="firing"}}'


def wait_until_told(project: Project, alerts: set[str]) -> None:
    """Wait until Alertmanager knows of these alerts."""
    with project.http("alertmanager", 9093) as client:

        def told() -> set[str]:
            return {each["labels"]["alertname"] for each in client.get("/api/v2/alerts").json()}

        until(lambda: told() >= alerts, f"Alertmanager knows of {alerts}")


def test_failures_of_a_model_raise_their_alerts_within_two_evaluations(replicas: Project) -> None:
    prometheus = Prometheus(replicas)
    assert prometheus.ask('ALERTS{alertname=~"ModelFails|RequestsFail"}') == []
    began = time.time()

    def raised() -> bool:
        with pytest.raises(AssertionError, match="a negative number"):
            ask(replicas, -1)
        return all(prometheus.ask(firing(alert)) for alert in FAILING)

    until(raised, "the alerts fire")
    failures = 'tritongen_gateway_requests_total{job="gateway", model="grow", code="500"}'
    seen = prometheus.since(failures, began, lambda value: value > 0)
    for alert in FAILING:
        fired = prometheus.since(firing(alert), began, bool)
        measured(f"replicas: {alert} fired {fired - seen:.1f} s after the failures were scraped")
        assert fired - seen <= 2 * EVALUATION_S
    wait_until_told(replicas, {*FAILING})


def test_a_replica_that_hangs_raises_its_alert_within_two_evaluations(replicas: Project) -> None:
    prometheus = Prometheus(replicas)
    (replica, *_) = replicas.containers("triton")
    began = time.time()
    replicas.engine.docker("pause", replica["Id"])
    try:
        until(lambda: prometheus.ask(firing("TritonReplicaDown")), "the alert fires")
        wait_until_told(replicas, {"TritonReplicaDown"})
    finally:
        replicas.engine.docker("unpause", replica["Id"])
    down = prometheus.since('up{job="triton"}', began, lambda up: not up)
    fired = prometheus.since(firing("TritonReplicaDown"), began, bool)
    measured(f"replicas: TritonReplicaDown fired {fired - down:.1f} s after it was seen down")
    assert fired - down <= 2 * EVALUATION_S
    until(lambda: not prometheus.ask(firing("TritonReplicaDown")), "it is well again")
