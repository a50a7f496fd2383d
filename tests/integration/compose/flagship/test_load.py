"""A load test in the stack: what its page, Prometheus, rules and dashboards make of it is right."""

import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.dashboards import filled, queries, rules
from tests.integration.compose.counters import Counters, of_tritons
from tests.integration.compose.measured import measured
from tests.integration.compose.project import Project
from tests.integration.compose.prometheus import Prometheus, until

MODELS = ("features", "classifier", "verdict", "filetype")
WINDOW_S = 60
"""How far back the rules look."""
SCRAPE_S = 5
EVERYTHING = {"replica": ".+", "loadtest": ".+", "worker": ".+"}


@dataclass(frozen=True)
class Loaded:
    """What was there at the end of a minute's load, and after it.

    ``first`` and ``last`` are the replicas' own counters, a minute apart, ``at_s`` is the moment
    of the last. ``results`` is what the load test measured.
    """

    project: Project
    prometheus: Prometheus
    at_s: float
    seconds: float
    first: list[Counters]
    last: list[Counters]
    results: dict[str, Any]

    def rate(self, name: str, **labels: str) -> float:
        """Return how fast a counter grew in all replicas together, by their own pages."""
        grown = (
            last.sum(name, **labels) - first.sum(name, **labels)
            for first, last in zip(self.first, self.last, strict=True)
        )
        return sum(grown) / self.seconds


@pytest.fixture(scope="module")
def loaded(flagship: Project) -> Loaded:
    """Run the load test `steady`, a minute long, in the stack's own Locust."""
    with flagship.http("locust-master", 8089) as page:
        start(page, "steady")
        until(lambda: page.get("/stats/requests").json()["total_rps"] > 10, "no load")
        tritons = flagship.containers("triton")
        began, first = time.time(), of_tritons(tritons)
        time.sleep(WINDOW_S - SCRAPE_S)
        at_s, last = time.time(), of_tritons(tritons)
        results = until(lambda: results_of(page, "steady"), "no results")
    # Prometheus has asked once more after the last request.
    time.sleep(2 * SCRAPE_S)
    return Loaded(flagship, Prometheus(flagship), at_s, at_s - began, first, last, results)


def start(page: httpx.Client, loadtest: str) -> None:
    until(lambda: page.get("/stats/requests").json()["worker_count"], "a worker")
    said = {"user_count": "1", "spawn_rate": "1", "loadtest": loadtest}
    answer = page.post("/swarm", data=said).json()
    assert answer["success"], answer


def results_of(page: httpx.Client, loadtest: str) -> dict[str, Any] | None:
    answer = page.get("/triton/results.json")
    found: dict[str, Any] = answer.json() if answer.is_success else {}
    return found if found.get("name") == loadtest else None


def test_a_load_test_in_the_stack_is_answered(loaded: Loaded) -> None:
    total = loaded.results["total"]
    assert total["failed"] == 0
    assert total["answered"] > 1000
    measured(f"filetype: load test `steady` in the stack: {total['answered']} answered, 0 failed")


def test_prometheus_counts_what_the_replicas_count_and_what_the_load_test_sent(
    loaded: Loaded,
) -> None:
    now = of_tritons(loaded.project.containers("triton"))
    for model in MODELS:
        said = f'sum(nv_inference_request_success{{model="{model}"}})'
        counted = sum(each.sum("nv_inference_request_success", model=model) for each in now)
        assert loaded.prometheus.value(said) == counted


def test_every_query_of_every_panel_returns_data(loaded: Loaded) -> None:
    shown = list(queries(loaded.project.folder))
    assert len(shown) > 50
    empty = []
    for query in shown:
        values = EVERYTHING | {"model": "filetype"}
        found = loaded.prometheus.ask(filled(query.expr, values), loaded.at_s)
        if not found:
            empty.append((query.dashboard, query.panel, query.expr))
    measured(f"filetype: {len(shown)} queries of panels asked of the stack's Prometheus")
    assert empty == []


def test_every_rule_that_records_has_recorded(loaded: Loaded) -> None:
    recording = {rule.name for rule in rules(loaded.project.folder) if rule.kind == "record"}
    assert len(recording) > 30
    assert {name for name in recording if not loaded.prometheus.ask(name, loaded.at_s)} == set()


def test_no_alert_of_failures_fires_where_nothing_fails(loaded: Loaded) -> None:
    """Those of latency may: Triton, all that watches it and the load share two cores here."""
    slow = 'alertname!~"LatencyBudgetBurns.*|RequestsWait"'
    assert loaded.prometheus.ask(f'ALERTS{{alertstate="firing", {slow}}}', loaded.at_s) == []


@pytest.mark.parametrize("model", MODELS)
def test_recorded_rates_and_times_are_what_the_replicas_own_counters_say(
    loaded: Loaded, model: str
) -> None:
    def recorded(name: str) -> float:
        return loaded.prometheus.value(f'tritongen:{name}{{model="{model}"}}', loaded.at_s)

    def per(total: str, of: str) -> float:
        return loaded.rate(total, model=model) / loaded.rate(of, model=model)

    close = pytest.approx
    success = "nv_inference_request_success"
    # Scrapes are seconds apart, and requests come at random: rates over nearly the same minute.
    assert recorded("successes:rate1m") == close(loaded.rate(success, model=model), rel=0.2)
    latency = per("nv_inference_request_duration_us", success) / 1e6
    assert recorded("latency:mean1m") == close(latency, rel=0.2)
    if model != "filetype":
        batch = per("nv_inference_count", "nv_inference_exec_count")
        assert recorded("batch_size:mean1m") == close(batch, rel=0.2)
        queue = per("nv_inference_queue_duration_us", success) / 1e6
        assert recorded("queue_time:mean1m") == close(queue, rel=0.2, abs=2e-4)


def test_shares_of_steps_are_what_the_replicas_own_counters_say(loaded: Loaded) -> None:
    name = "nv_inference_request_duration_us"
    steps = {model: loaded.rate(name, model=model) for model in MODELS[:-1]}
    shares = {
        sample["metric"]["model"]: float(sample["value"][1])
        for sample in loaded.prometheus.ask(
            'tritongen:step_time:ratio1m{ensemble="filetype"}', loaded.at_s
        )
    }
    whole = sum(steps.values())
    assert shares == {model: pytest.approx(time / whole, abs=0.1) for model, time in steps.items()}
    assert sum(shares.values()) == pytest.approx(1)
