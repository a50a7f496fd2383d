"""Every panel's query on the live stack: it gives data, and what it gives is right."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from tests.dashboards import Shown, annotations, dashboards, filled, queries
from tests.integration.grafana.conftest import RATE, WINDOW_S, Stack, until

from tritongen.triton import Request, Triton, TritonError

pytestmark = [pytest.mark.server, pytest.mark.slow]

MODELS = ("chain", "prepare", "work", "kept", "stream")
FAILED = "5..|UNKNOWN|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|DATA_LOSS"
STEADY = 'loadtest="steady"'


@contextmanager
def others(stack: Stack) -> Iterator[None]:
    """Ask the models that the load test does not: cached, failing, streamed."""
    stop = threading.Event()

    def ask() -> None:
        with Triton(http=stack.gateway.http, grpc=stack.gateway.grpc) as triton:
            number = 0
            while not stop.wait(0.2):
                number += 1
                kept = np.full((1, 4), 1000 if number % 5 == 4 else number // 4, np.float32)
                one = np.full((1,), number, np.float32)
                with suppress(TritonError):  # a fifth of them fails
                    triton.infer(Request(model="kept", inputs={"x": kept}))
                with suppress(TritonError):
                    list(triton.stream(Request(model="stream", inputs={"x": one})))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


@dataclass(frozen=True)
class Ran:
    """A time within a load test at which all rates had looked back far enough; its results."""

    at_s: float
    results: Any


@pytest.fixture(scope="module")
def ran(stack: Stack) -> Ran:
    with others(stack):
        stack.start("steady")
        answered = f"sum(loadtest_requests_answered_total{{{STEADY}}}) > {RATE * (WINDOW_S + 10)}"
        until(lambda: stack.ask(answered), 90, "the load test does not go on")
        at_s = time.time()
        results = until(lambda: stack.results("steady"), 120, "no results")
    assert results["total"]["failed"] == 0, results["total"]["failures"]
    return Ran(at_s, results)


def models(shown: Shown) -> tuple[str, ...]:
    return MODELS if "model" in shown.variables else ("",)


def asked(stack: Stack, shown: Shown, model: str, at_s: float) -> list[dict[str, Any]]:
    values = {"model": model, "replica": ".+", "loadtest": ".+"}
    return stack.ask(filled(shown.expr, values), at_s)


def silent(shown: Shown, model: str) -> bool:
    """Tell where Triton has nothing to say: no quantiles behind a cache, no hits without one."""
    no_quantiles = model == "kept" and "latency:quantile" in shown.expr
    no_cache = model not in ("kept", "") and "cache_hits" in shown.expr
    return no_quantiles or no_cache


def test_every_query_of_every_panel_gives_numbers(stack: Stack, ran: Ran) -> None:
    empty = []
    for shown in queries(stack.root):
        for model in models(shown):
            found = asked(stack, shown, model, ran.at_s)
            numbers = [float(sample["value"][1]) for sample in found]
            if not silent(shown, model) and (not numbers or any(np.isnan(numbers))):
                empty.append((shown.dashboard, shown.panel, shown.legend, model))
            missing = [
                sample["metric"] for sample in found if not labelled(shown, sample["metric"])
            ]
            assert not missing, (shown.panel, shown.legend, missing)
    assert empty == []


def labelled(shown: Shown, labels: dict[str, str]) -> bool:
    """Tell whether a series has the labels that its name is made of."""
    return all(f"{{{{{name}}}}}" not in shown.legend or name in labels for name in LABELS)


LABELS = ("model", "instance", "quantile", "reason", "proxy", "protocol", "objective", "kind")


class Raw:
    """Counters as they were scraped, and rates that are computed from them here."""

    def __init__(self, stack: Stack, at_s: float) -> None:
        self.stack, self.at_s = stack, at_s

    def rate(self, selector: str) -> float:
        total = 0.0
        for series in self.stack.ask(f"{selector}[{WINDOW_S}s]", self.at_s):
            (begin, first), (end, last) = series["values"][0], series["values"][-1]
            total += (float(last) - float(first)) / (end - begin)
        return total

    def triton(self, metric: str, model: str, more: str = "") -> float:
        return self.rate(f'nv_inference_{metric}{{job="triton",model="{model}"{more}}}')


def expected(raw: Raw, instances: list[str]) -> Iterator[tuple[str, str, str, str, float]]:
    """Yield dashboard, panel, model, series' name and value, computed a second time."""
    gateway = "tritongen_gateway_requests_total{{{}}}"
    requests = raw.rate(gateway.format(""))
    failed = raw.rate(gateway.format(f'code=~"{FAILED}"'))
    yield "overview", "Requests", "", "", requests
    yield "gateway", "Requests", "", "", requests
    yield "overview", "Failed", "", "", failed / requests
    for model in ("chain", "kept"):
        rate = raw.rate(gateway.format(f'model="{model}"'))
        yield "overview", "Requests: Requests by model", "", model, rate
        yield "gateway", "Requests: By model", "", model, rate
    time = "tritongen_gateway_request_duration_seconds_{}{{model='chain'}}"
    seen = raw.rate(time.format("sum")) / raw.rate(time.format("count"))
    yield "gateway", "Latency: Before and in the server", "", "chain at the gateway", seen
    yield from _steps(raw)
    for model in ("chain", "work"):
        for instance in instances:
            here = f',instance="{instance}"'
            done = raw.triton("request_success", model, here)
            took = raw.triton("request_duration_us", model, here) / 1e6
            yield "model", "Replicas: Requests by replica", model, instance, done
            yield "model", "Replicas: Time by replica", model, instance, took / done
    client = f'{{job="locust",{STEADY}}}'
    for name in ("offered", "answered"):
        rate = raw.rate(f"loadtest_requests_{name}_total{client}")
        yield "loadtests", "Offered and answered: Offered and answered", "", name, rate
        yield "loadtests", "Offered and answered: Offered and answered", "", name, RATE


def _steps(raw: Raw) -> Iterator[tuple[str, str, str, str, float]]:
    times = {}
    for step, most in (("prepare", 8), ("work", 16)):
        done = raw.triton("request_success", step)
        runs = raw.triton("exec_count", step)
        times[step] = raw.triton("request_duration_us", step) / 1e6 / done
        waiting = raw.triton("queue_duration_us", step) / 1e6 / done
        parts = ("compute_input", "compute_infer", "compute_output")
        computing = sum(raw.triton(f"{part}_duration_us", step) for part in parts) / 1e6 / done
        page = "ensemble-chain"
        yield page, "Where the time goes: Time in each step", "", step, times[step]
        yield page, "Waiting and computing: Waiting in each step", "", step, waiting
        yield page, "Waiting and computing: Computing in each step", "", step, computing
        share = waiting / (waiting + computing)
        yield page, "Waiting and computing: Share of waiting", "", step, share
        fill = raw.triton("count", step) / runs / most
        yield page, "Batches and instances: How full batches are", "", f"{step} (of {most})", fill
        busy = computing * runs / 2
        name = f"{step} (of 1 a replica)"
        yield page, "Batches and instances: How busy instances are", "", name, busy
        yield "overview", f"{step} (Python step): Time of a request", "", "waiting", waiting
    for step, took in times.items():
        share = took / sum(times.values())
        yield "ensemble-chain", "Where the time goes: Share of each step", "", step, share


def named(shown: Shown, labels: dict[str, str]) -> str:
    name = shown.legend
    for label, value in labels.items():
        name = name.replace(f"{{{{{label}}}}}", value)
    return name


def test_what_panels_show_is_what_raw_counters_say(stack: Stack, ran: Ran) -> None:
    found: dict[tuple[str, str, str, str], float] = {}
    for shown in queries(stack.root):
        for model in models(shown):
            for sample in asked(stack, shown, model, ran.at_s):
                key = (shown.dashboard, shown.panel, model, named(shown, sample["metric"]))
                found[key] = float(sample["value"][1])
    wrong = {}
    checked = 0
    for *key, value in expected(Raw(stack, ran.at_s), stack.instances):
        checked += 1
        # A tenth: rules are evaluated up to a second before, over scrapes of their own.
        if found.get(tuple(key)) != pytest.approx(value, rel=0.15, abs=1e-4):  # type: ignore[call-overload]
            wrong[tuple(key)] = (found.get(tuple(key)), value)  # type: ignore[call-overload]
    assert checked > 30
    assert wrong == {}


def test_the_clients_latency_is_that_of_the_results(stack: Stack, ran: Ran) -> None:
    begun = next(each for each in ran.results["seconds"] if each["second"] == 0)
    assert begun["answered"] == RATE
    for quantile in ("p50", "p95"):
        seconds = [each[f"{quantile}_us"] / 1e6 for each in ran.results["seconds"]]
        (shown,) = [
            each
            for each in queries(stack.root)
            if each.dashboard == "loadtests" and each.legend == f"client {quantile}"
        ]
        (sample,) = asked(stack, shown, "", ran.at_s)
        # Buckets are half as wide as they are high.
        assert min(seconds) / 1.5 <= float(sample["value"][1]) <= max(seconds) * 1.5


def test_counters_of_the_load_test_end_at_its_results(stack: Stack, ran: Ran) -> None:
    for name in ("offered", "answered"):
        query = f'sum(loadtest_requests_{name}_total{{{STEADY},phase="measured"}})'
        want = str(ran.results["total"][name])
        until(lambda q=query, w=want: stack.ask(q)[0]["value"][1] == w, 20, f"{name} is not {want}")


def test_a_load_test_is_marked_in_the_pictures(stack: Stack, ran: Ran) -> None:
    notes = {each.panel: each.expr for each in annotations(stack.root)}
    (running,) = stack.ask(notes["Load tests"], ran.at_s)
    assert running["metric"]["loadtest"] == "steady"
    assert stack.ask(notes["Load tests"], ran.at_s - 600) == []
    stack.ask(notes["Alerts"], ran.at_s)


def test_variables_offer_what_there_is(stack: Stack, ran: Ran) -> None:
    offered = {}
    for board in dashboards(stack.root).values():
        for variable in board["templating"].get("list", ()):
            series, _, label = variable["query"].removeprefix("label_values(")[:-1].rpartition(", ")
            url = f"http://{stack.prometheus}/api/v1/label/{label}/values"
            answer = httpx.get(url, params={"match[]": series}, trust_env=False).json()
            offered[variable["name"]] = set(answer["data"])
    assert offered == {
        "model": set(MODELS),
        "replica": set(stack.instances),
        "loadtest": {"steady", "other"},
    }
