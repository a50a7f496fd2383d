"""Every rule on the real Triton: it records something, and what it records is right."""

import os
import re
import signal
import time

import pytest
from tests.integration.prometheus.conftest import WINDOW_S, Watched, wait_for
from tests.integration.prometheus.second import USES, Second
from tests.integration.prometheus.traffic import traffic

from tritongen.records.metrics import metrics, recorded
from tritongen.records.monitoring import parts

pytestmark = pytest.mark.server

FAMILY = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ", re.MULTILINE)
LABEL = re.compile(r'(\w+)="')


@pytest.fixture(scope="module")
def evaluated_s(watched: Watched) -> float:
    """Put all models under load, and return when the rules were evaluated at the end of it."""
    with traffic(watched.endpoint):
        wait_for(lambda: watched.values("tritongen:successes:rate1m", "model").get("outer"), "none")
        time.sleep(WINDOW_S + 3)
        return watched.evaluated_s()


def test_the_table_is_what_the_server_emits(watched: Watched, evaluated_s: float) -> None:
    page = watched.metrics()
    emitted = dict(FAMILY.findall(page))
    labels: dict[str, set[str]] = {}
    for name, said in SAMPLE.findall(page):
        labels.setdefault(name, set()).update(LABEL.findall(said))
    present = parts(watched.plan)
    for metric in metrics().values():
        if metric.job != "triton" or (metric.needs and metric.needs not in present):
            continue
        if metric.lacks(watched.plan.release):
            assert metric.name not in emitted
            continue
        assert emitted.get(metric.name) == metric.type, metric.name
        assert labels[metric.name] == set(metric.labels), metric.name


def test_every_rule_records_something(watched: Watched, evaluated_s: float) -> None:
    rules = recorded(parts(watched.plan))
    assert len(rules) > 30
    for rule in rules:
        selector = ",".join(f'{key}="{value}"' for key, value in rule.added.items())
        found = watched.ask(f"{rule.name}{{{selector}}}", evaluated_s)
        assert found, rule.name
        labels = {label for sample in found for label in sample["metric"]} - {"__name__"}
        assert labels == set(rule.labels), rule.name
        assert all(sample["value"][1] != "NaN" for sample in found), rule.name
    health = (
        'tritongen_rules_fail or prometheus_rule_evaluation_failures_total{job="prometheus"} > 0'
    )
    assert watched.ask(health, evaluated_s) == []


def test_what_is_recorded_is_what_the_raw_counters_say(
    watched: Watched, evaluated_s: float
) -> None:
    for name, expected in Second(watched, evaluated_s).expected().items():
        sample = next(iter(expected))
        labels = ("model",) if isinstance(sample, str) else ("ensemble", "model")
        if name == "failures:rate1m":
            labels = ("model", "reason")
        found = watched.values(f"tritongen:{name}", *labels, at_s=evaluated_s)
        # A tenth: a scrape may have come in while the rules were evaluated.
        assert found == pytest.approx(expected, rel=0.1, abs=1e-6), name


def test_the_traffic_is_what_was_sent(watched: Watched, evaluated_s: float) -> None:
    def at(name: str, *labels: str) -> dict[object, float]:
        return watched.values(f"tritongen:{name}", *labels, at_s=evaluated_s)

    failing = at("failed:ratio1m", "model")
    assert failing["outer"] == failing["inner"] == pytest.approx(0.2, abs=0.05)
    # Triton's own trap: what a Python model answers with an error is a success.
    assert failing["plain"] == failing["stream"] == failing["slow"] == failing["cached"] == 0
    assert at("cache_hits:ratio1m", "model")["cached"] == pytest.approx(0.75, abs=0.05)
    assert at("batch_size:mean1m", "model")["slow"] > 2
    assert at("queue_time:ratio1m", "model")["slow"] > 0.2
    assert at("replicas_up:count", "instance") == {"": 1}
    slowest = at("step_time:ratio1m", "ensemble", "model")
    assert all(slowest[ensemble, "slow"] > 0.5 for ensemble in USES)


def test_percentiles_are_those_of_the_server(watched: Watched, evaluated_s: float) -> None:
    page = watched.metrics()
    found = watched.values("tritongen:latency:quantile", "model", "quantile", at_s=evaluated_s)
    assert {model for model, _ in found} == {"plain", "slow", "stream", *USES}  # not cached
    assert found["slow", "0.5"] >= 0.02  # what it sleeps
    assert found["slow", "0.5"] <= found["slow", "0.95"] <= found["slow", "0.999"]
    assert 'nv_inference_request_summary_us{model="slow",version="1",quantile="0.8"}' in page


def test_objectives_are_held_against_all_requests(watched: Watched, evaluated_s: float) -> None:
    share = watched.values("tritongen:slo_failed:ratio5m", "model", at_s=evaluated_s)
    assert share == {"outer": pytest.approx(0.2, abs=0.05), "slow": 0}
    slow = watched.values("tritongen:slo_slow:ratio5m", "objective", at_s=evaluated_s)
    missed = pytest.approx(0.9, abs=0.1)  # the 10th percentile is over 10 ms, so 90 % are
    assert slow == {"p50": missed, "p90": missed, "p95": missed, "p99": 0, "p999": 0}


def test_alerts_fire_for_what_fails_and_for_nothing_else(
    watched: Watched, evaluated_s: float
) -> None:
    firing = 'count by (alertname, model) (ALERTS{alertstate="firing"})'
    assert set(watched.values(firing, "alertname", "model", at_s=evaluated_s)) == {
        *(("ModelFails", model) for model in USES),
        *((f"ErrorBudgetBurns{speed}", "outer") for speed in ("Fast", "Steady", "Slow")),
        *((f"LatencyBudgetBurns{speed}", "outer") for speed in ("Fast", "Steady", "Slow")),
    }
    objectives = 'count by (objective) (ALERTS{alertname="LatencyBudgetBurnsFast"})'
    assert set(watched.values(objectives, "objective", at_s=evaluated_s)) == {"p50", "p90", "p95"}


def test_counters_in_prometheus_are_those_of_the_page(watched: Watched, evaluated_s: float) -> None:
    name = "nv_inference_request_success"
    page = re.findall(rf'^{name}{{model="(\w+)".*}} (\S+)$', watched.metrics(), re.MULTILINE)
    counters = {model: float(value) for model, value in page}
    assert set(counters) == {"plain", "slow", "cached", "stream", *USES}
    wait_for(lambda: watched.values(name, "model") == counters, "the counters differ")


def test_a_server_that_is_killed_is_told_at_the_next_evaluation(
    watched: Watched, evaluated_s: float
) -> None:
    os.kill(watched.endpoint.pid, signal.SIGKILL)
    alert = 'ALERTS{alertname="TritonDown", alertstate="firing"}'
    wait_for(lambda: watched.ask(alert), "the alert does not fire")
    (down,) = watched.values(
        'min_over_time(timestamp(up{job="triton"} == 0)[1m:100ms])', "x"
    ).values()
    (fired,) = watched.values(f"min_over_time(timestamp({alert})[1m:100ms])", "x").values()
    assert fired - down <= 2  # evaluations are a second apart
