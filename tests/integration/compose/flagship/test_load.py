"""A load test in the stack: what its page, Prometheus, rules and dashboards make of it is right."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from tests.dashboards import filled, queries, rules
from tests.integration.compose.counters import Counters, counters, of_tritons
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
    """The stack after a minute's load, near whose end was ``at_s``.

    ``before`` are the replicas' own counters before it, ``results`` is what the load test measured.
    """

    project: Project
    prometheus: Prometheus
    at_s: float
    before: list[Counters]
    results: dict[str, Any]

    def rate(self, name: str, model: str) -> float:
        """Compute how fast a counter grew in all replicas together, from its stored samples."""
        evaluated = self.prometheus.value(
            f'timestamp(tritongen:successes:rate1m{{model="{model}"}})', self.at_s
        )
        grown = 0.0
        for series in self.prometheus.ask(f'{name}{{model="{model}"}}[{WINDOW_S}s]', evaluated):
            (begin, first), *_, (end, last) = series["values"]
            grown += (float(last) - float(first)) / (end - begin)
        return grown


@pytest.fixture(scope="module")
def loaded(flagship: Project) -> Loaded:
    """Run the load test `steady`, a minute long, in the stack's own Locust."""
    with flagship.http("locust-master", 8089) as page:
        before = of_tritons(flagship.containers("triton"))
        start(page, "steady")
        until(lambda: page.get("/stats/requests").json()["total_rps"] > 10, "no load")
        time.sleep(WINDOW_S - SCRAPE_S)
        at_s = time.time()
        results = until(lambda: results_of(page, "steady"), "no results")
    # Prometheus has asked once more after the last request.
    time.sleep(2 * SCRAPE_S)
    return Loaded(flagship, Prometheus(flagship), at_s, before, results)


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
    name = "nv_inference_request_success"
    now = of_tritons(loaded.project.containers("triton"))
    with loaded.project.http("locust-master", 8089) as page:
        told = counters(page.get("/tritongen/metrics").text)
    answered = told.sum("loadtest_requests_answered_total", loadtest="steady")
    assert answered >= loaded.results["total"]["answered"]  # with those of the warm-up
    for model in MODELS:
        counted = sum(each.sum(name, model=model) for each in now)
        before = sum(each.sum(name, model=model) for each in loaded.before)
        assert counted - before == answered
        assert loaded.prometheus.value(f'sum({name}{{model="{model}"}})') == counted


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
def test_recorded_rates_and_times_are_what_triton_counted(loaded: Loaded, model: str) -> None:
    def recorded(name: str) -> float:
        return loaded.prometheus.value(f'tritongen:{name}{{model="{model}"}}', loaded.at_s)

    def counted(name: str) -> float:
        return loaded.rate(f"nv_inference_{name}", model)

    # A tenth: Prometheus takes what is seen in a window for the whole of it.
    close = partial(pytest.approx, rel=0.1)
    answered = counted("request_success")
    assert recorded("successes:rate1m") == close(answered)
    assert recorded("latency:mean1m") == close(counted("request_duration_us") / answered / 1e6)
    if model != "filetype":
        assert recorded("batch_size:mean1m") == close(counted("count") / counted("exec_count"))
        waited = counted("queue_duration_us") / answered / 1e6
        assert recorded("queue_time:mean1m") == close(waited)


def test_shares_of_steps_are_what_triton_counted(loaded: Loaded) -> None:
    steps = {model: loaded.rate("nv_inference_request_duration_us", model) for model in MODELS[:-1]}
    whole = sum(steps.values())
    query = 'tritongen:step_time:ratio1m{ensemble="filetype"}'
    shares = {
        series["metric"]["model"]: float(series["value"][1])
        for series in loaded.prometheus.ask(query, loaded.at_s)
    }
    assert shares == {model: pytest.approx(time / whole, abs=0.1) for model, time in steps.items()}
    assert sum(shares.values()) == pytest.approx(1)
