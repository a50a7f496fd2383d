"""The rules of what clients see: on a real HAProxy in front of a real Triton."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.integration.gateway.fleet import free_ports, installed
from tests.integration.prometheus.conftest import (
    PROGRAM,
    SPEC,
    WINDOW_S,
    Watched,
    answers,
    planned,
    scraping,
    served,
    wait_for,
)
from tests.integration.prometheus.traffic import together

from tritongen.parts.targets.gateway import Replica, Surroundings, files
from tritongen.records.endpoint import Endpoint
from tritongen.records.metrics import recorded
from tritongen.records.monitoring import parts
from tritongen.records.plan import Plan
from tritongen.triton import Request, Triton, TritonError

pytestmark = pytest.mark.server

# A queue that overflows, and a limit that some of outer's requests keep and some do not.
BEHIND = (
    SPEC.replace("max_queue_size: 64", "max_queue_size: 2")
    .replace("{p50: 10ms, p90: 10ms, p95: 10ms, p99: 10s, p999: 10s,", "{p50: 55ms, p99: 1s,")
    .replace("stack: {gateway: none}", "stack: {}")
)
SECONDS = "tritongen_gateway_request_duration_seconds"
LOOPS = [("outer", "http", 0.1), *[("slow", "grpc", 0.005)] * 6, ("plain", "http", 0.05)]
"""Model, protocol, pause in seconds."""


@contextmanager
def gateway(plan: Plan, endpoint: Endpoint, folder: Path) -> Iterator[Surroundings]:
    """Run the rendered HAProxy in front of one Triton."""
    program = installed()
    assert program is not None
    http, grpc, metrics = (f"127.0.0.1:{port}" for port in free_ports(3))
    at = Surroundings(
        http=http,
        grpc=grpc,
        metrics=metrics,
        folder=str(folder),
        socket=str(folder / "admin.sock"),
        replicas=(Replica(http=endpoint.http, grpc=endpoint.grpc),),
    )
    for name, text in files(plan, at).items():
        (folder / name).write_text(text)
    with (folder / "log").open("w") as log:
        words = [*program, "-db", "-f", str(folder / "haproxy.cfg")]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(f"http://{metrics}/health"), "HAProxy is not ready")
        yield at
    finally:
        process.terminate()
        process.wait(10)
        print((folder / "log").read_text()[-3000:])


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watched, float]]:
    """A gateway under load, and when the rules were evaluated at the end of it."""
    if PROGRAM is None or installed() is None:
        pytest.skip("prometheus or haproxy is not installed (apt-get install prometheus haproxy)")
    folder = tmp_path_factory.mktemp("behind")
    plan = planned(folder, BEHIND)
    with ExitStack() as open_:
        endpoint = open_.enter_context(served(plan, folder))
        at = open_.enter_context(gateway(plan, endpoint, tmp_path_factory.mktemp("gateway")))
        address = open_.enter_context(scraping(folder, endpoint, at.metrics))
        front = replace(endpoint, http=at.http, grpc=at.grpc, metrics=at.metrics)
        watched = Watched(plan, front, address)
        with together(ask, front, LOOPS):
            # An answer of outer's is rare: its last step's queue is full most of the time.
            wait_for(lambda: watched.ask("tritongen:slo_timed:rate1m > 0"), "nothing is recorded")
            wait_for(lambda: watched.ask("tritongen:slo_failed:rate1m > 0"), "nothing failed")
            time.sleep(WINDOW_S + 3)
            yield watched, watched.evaluated_s()


def ask(
    endpoint: Endpoint, stop: threading.Event, model: str, protocol: str, pause_s: float
) -> None:
    """Send requests, a quarter of which no step takes, and take whatever comes back."""
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        for number in range(1_000_000):
            value = -9 if number % 4 == 3 else 1
            request = Request(model=model, inputs={"x": np.full((1, 1), value, np.float32)})
            try:
                triton.infer(request, protocol="http" if protocol == "http" else "grpc")
            except TritonError as error:
                if not re.search("negative|maximum queue size", str(error)):
                    raise
            if stop.wait(pause_s):
                return


def rates(watched: Watched, at_s: float, metric: str) -> list[tuple[dict[str, str], float]]:
    """Return the rate of each raw series over the window, from its first and last point."""
    found = []
    for series in watched.ask(f'{metric}{{job="gateway"}}[{WINDOW_S}s]', at_s):
        (begin, first), (end, last) = series["values"][0], series["values"][-1]
        found.append((series["metric"], (float(last) - float(first)) / (end - begin)))
    return found


def test_every_rule_records_something(behind: tuple[Watched, float]) -> None:
    watched, at_s = behind
    rules = recorded(parts(watched.plan))
    assert {"tritongen:gateway_latency:quantile", "tritongen:slo_slow:ratio3d"} <= {
        rule.name for rule in rules
    }
    silent = {"tritongen:cache_hits:ratio1m"}  # nobody asks the cached model here
    for rule in rules:
        selector = ",".join(f'{key}="{value}"' for key, value in rule.added.items())
        found = watched.ask(f"{rule.name}{{{selector}}}", at_s)
        assert found or rule.name in silent, rule.name
        assert all(sample["value"][1] != "NaN" for sample in found), rule.name
        labels = {label for sample in found for label in sample["metric"]} - {"__name__"}
        assert labels == set(rule.labels) or not found, rule.name


def test_failures_are_those_that_clients_saw(behind: tuple[Watched, float]) -> None:
    watched, at_s = behind
    failed: dict[str, float] = {}
    every: dict[str, float] = {}
    for labels, rate in rates(watched, at_s, "tritongen_gateway_requests_total"):
        model = labels["model"]
        bad = labels["code"] in ("500", "503", "UNAVAILABLE", "INTERNAL")
        every[model] = every.get(model, 0) + rate
        failed[model] = failed.get(model, 0) + rate * bad
    share = watched.values("tritongen:gateway_failed:ratio1m", "model", at_s=at_s)
    expected = {model: failed[model] / rate for model, rate in every.items() if rate}
    assert share == pytest.approx(expected, rel=0.15)
    asked = watched.values("tritongen:slo_requests:rate1m", "model", at_s=at_s)
    assert asked == pytest.approx({name: every[name] for name in ("outer", "slow")}, rel=0.15)
    missed = watched.values("tritongen:slo_failed:rate1m", "model", at_s=at_s)
    assert missed == pytest.approx({name: failed[name] for name in ("outer", "slow")}, rel=0.15)


def test_what_a_full_queue_turns_away_is_seen_here_and_nowhere_else(
    behind: tuple[Watched, float],
) -> None:
    watched, at_s = behind
    away = watched.values("tritongen:gateway_rejections:rate1m", "model", "reason", at_s=at_s)
    assert away["slow", "queue_full"] > 0
    inside = watched.values("tritongen:failed:rate1m", "model", at_s=at_s)
    outside = watched.values("tritongen:gateway_failed:rate1m", "model", at_s=at_s)
    assert inside["slow"] == 0
    assert outside["slow"] == pytest.approx(away["slow", "queue_full"], rel=0.15)


def test_slow_answers_are_counted_exactly(behind: tuple[Watched, float]) -> None:
    watched, at_s = behind
    quick = dict.fromkeys(("0.055", "1"), 0.0)
    for labels, rate in rates(watched, at_s, f"{SECONDS}_bucket"):
        if labels["model"] == "outer" and labels["le"] in quick:
            quick[labels["le"]] += rate
    total = sum(
        rate
        for labels, rate in rates(watched, at_s, f"{SECONDS}_count")
        if labels["model"] == "outer"
    )
    timed = watched.values("tritongen:slo_timed:rate1m", "objective", at_s=at_s)
    assert timed == pytest.approx({"p50": total, "p99": total}, rel=0.15)
    slow = watched.values("tritongen:slo_slow:rate1m", "objective", at_s=at_s)
    expected = {"p50": total - quick["0.055"], "p99": total - quick["1"]}
    assert slow == pytest.approx(expected, rel=0.15, abs=0.3)
    low, high = (
        watched.values("tritongen:gateway_latency:quantile", "model", "quantile", at_s=at_s)[
            "outer", quantile
        ]
        for quantile in ("0.5", "0.99")
    )
    assert 0.02 < low <= high  # one step sleeps so long


def test_alerts_tell_what_clients_see(behind: tuple[Watched, float]) -> None:
    watched, at_s = behind
    firing = 'count by (alertname, model) (ALERTS{alertstate="firing"})'
    found = set(watched.values(firing, "alertname", "model", at_s=at_s))
    assert {
        ("RequestsFail", "outer"),
        ("RequestsFail", "slow"),
        ("ModelFails", "outer"),
        ("ErrorBudgetBurnsFast", "outer"),
        ("ErrorBudgetBurnsFast", "slow"),
        ("GatewayFails", ""),
    } <= found
    assert not {name for name, _ in found} & {"TritonDown", "TritonReplicaDown", "NotMonitored"}
    assert ("ModelFails", "slow") not in found
