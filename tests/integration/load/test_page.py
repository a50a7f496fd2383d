"""Locust as it runs in the stack: a master with its page, workers, load tests to choose from."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.browser import browser
from tests.integration.conftest import Serve
from tests.integration.load.conftest import LOCUST, Load, Write

pytestmark = [pytest.mark.server, pytest.mark.slow]

WORKERS = 2
# What stands in the scenarios is another place, as in a spec that is also served without a stack.
NOWHERE = "127.0.0.1:9"


def level(law: str, level: float) -> dict[str, Any]:
    return {"law": law, "stages": [{"from": level, "to": level, "seconds": 1}]}


LOADTESTS = {
    "open": {"protocol": "http", "arrivals": level("constant", 40), "duration_s": 3},
    "calls": {"protocol": "grpc", "arrivals": level("closed", 3)},
    "paced": {"protocol": "grpc", "arrivals": level("poisson", 30), "max_in_flight": 8},
    "stream": {"protocol": "grpc-stream", "arrivals": level("closed", 2)},
}


def free_ports(count: int) -> list[int]:
    with_sockets = [socket.socket() for _ in range(count)]
    for each in with_sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in with_sockets]
    for each in with_sockets:
        each.close()
    return ports


class Page:
    """What the master's page answers, as a browser would ask it."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def start(self, loadtest: str) -> None:
        # A form's numbers are not the scenario's.
        said = {"user_count": "1", "spawn_rate": "1", "loadtest": loadtest}
        answer = self.http.post("/swarm", data=said).json()
        assert answer["success"], answer

    def metrics(self) -> dict[str, float]:
        lines = self.http.get("/tritongen/metrics").raise_for_status().text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def results(self, loadtest: str, seconds: float = 90) -> Any:
        """Wait for the results of a load test that was not run before."""

        def found() -> Any:
            answer = self.http.get("/triton/results.json")
            return answer.status_code == 200 and answer.json()["name"] == loadtest and answer.json()

        return until(found, seconds)

    def stats(self) -> Any:
        return self.http.get("/stats/requests").json()

    def wait_idle(self) -> None:
        until(lambda: self.stats()["state"] in ("ready", "stopped"), 90)


def until(found: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
    return value


@pytest.fixture
def page(serve: Serve, load: Load, adding: Write) -> Iterator[Page]:
    """Start a master and two workers with the options that the stack gives them."""
    endpoint = serve(adding())
    for name, said in LOADTESTS.items():
        load.say(NOWHERE, **{**said, "name": name})
        folder = load.folder / name
        folder.mkdir()
        (load.folder / "scenario.json").rename(folder / "scenario.json")
        shutil.copy(load.folder / "x.npz", folder)
    port, web = free_ports(2)
    environment = {
        **os.environ,
        "LOCUST_HTTP_ADDRESS": endpoint.http,
        "LOCUST_GRPC_ADDRESS": endpoint.grpc,
        "LOCUST_STATISTICS_ADDRESS": endpoint.http,
        "LOCUST_LOADTEST": "calls",
        "LOCUST_RESULTS": "",
    }
    program = [str(LOCUST), "-f", "locustfile.py"]
    bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)]
    shown = ["--web-host", "127.0.0.1", "--web-port", str(web)]
    met = ["--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]
    commands = [[*program, "--master", *bound, *shown], *[[*program, *met]] * WORKERS]
    processes = [subprocess.Popen(each, cwd=load.folder, env=environment) for each in commands]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{web}", timeout=10, trust_env=False) as http:
            made = Page(http)
            until(lambda: connected(made), 60)
            yield made
    finally:
        for process in processes:
            process.terminate()
        codes = [process.wait(20) for process in processes]
    assert codes[0] == 0


def connected(page: Page) -> bool:
    try:
        return len(page.stats().get("workers", [])) == WORKERS
    except httpx.TransportError:
        return False


def total(metrics: dict[str, float], name: str, **labels: str) -> float:
    said = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        value
        for series, value in metrics.items()
        if series.startswith(f"loadtest_{name}{{") and all(each in series for each in said)
    )


def quantile(metrics: dict[str, float], loadtest: str, share: float) -> float:
    """Return the bound of the bucket in which a quantile of the measured latency lies."""
    found = re.compile(rf'loadtest_latency_seconds_bucket{{.*"{loadtest}".*"measured",le="(.*)"}}')
    reached = {
        float(match[1]): value
        for series, value in metrics.items()
        if (match := found.match(series))
    }
    return min(le for le, count in reached.items() if count >= share * max(reached.values()))


def test_prometheus_is_told_what_the_results_say(page: Page) -> None:
    page.start("open")
    until(lambda: page.metrics()['loadtest_running{loadtest="open"}'], 20)
    running = until(lambda: total(page.metrics(), "requests_answered_total") and page.metrics(), 20)
    assert running["loadtest_workers"] == WORKERS
    assert running["loadtest_users"] == 256
    results = page.results("open")
    page.wait_idle()

    assert results["address"] != NOWHERE
    assert [each["state"] for each in results["workers"]] == ["done", "done"]
    figures, told = results["total"], page.metrics()
    measured = {"loadtest": "open", "request": "adds", "phase": "measured"}
    for name in ("offered", "answered"):
        assert total(told, f"requests_{name}_total", **measured) == figures[name] == 120
    assert total(told, "requests_offered_total", phase="warmup") == 20
    assert total(told, "latency_seconds_count", **measured) == figures["latency_us"]["count"]
    mean = total(told, "latency_seconds_sum", **measured) / 120
    assert mean == pytest.approx(figures["latency_us"]["mean"] / 1e6, rel=0.001)
    p50 = figures["latency_us"]["p50"] / 1e6
    assert p50 <= quantile(told, "open", 0.5) * 1.001
    assert told['loadtest_running{loadtest="open"}'] == told["loadtest_in_flight"] == 0


def test_one_load_test_after_the_other_is_chosen_on_the_page(page: Page) -> None:
    for name, said in LOADTESTS.items():
        page.start(name)
        results = page.results(name)
        page.wait_idle()
        assert results["protocol"] == said["protocol"]
        assert results["total"]["answered"] >= 15, name
        assert results["total"]["failed"] == 0, results["total"]["failures"]
        assert results["partial"] is None
    told = page.metrics()
    for name in LOADTESTS:
        assert total(told, "requests_answered_total", loadtest=name) >= 15
    rows = page.stats()["extended_stats"][0]["data"]
    assert rows[0]["name"] == "adds"
    assert rows[0]["requests"] > 0


def test_what_is_no_load_test_is_refused_and_the_page_goes_on(page: Page) -> None:
    page.start("../open")
    until(lambda: "is none of the load tests" in page.http.get("/exceptions").text, 10)
    page.start("calls")
    assert page.results("calls")["total"]["answered"] > 0


def test_a_run_is_stopped_on_the_page_and_its_results_kept(page: Page, load: Load) -> None:
    path = load.folder / "open" / "scenario.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "duration_s": 60}))
    page.start("open")
    until(lambda: total(page.metrics(), "requests_answered_total", phase="measured"), 30)
    page.http.post("/stop", timeout=30)
    results = page.results("open")
    assert results["partial"] == "interrupted"
    told = total(page.metrics(), "requests_answered_total", phase="measured")
    assert told == results["total"]["answered"] > 0


def test_the_page_offers_the_load_tests(page: Page) -> None:
    text = page.http.get("/").text
    (choices,) = re.findall(r'"loadtest": \{"choices": (\[[^\]]*\])', text)
    assert json.loads(choices) == sorted(LOADTESTS)


SEEN = """return [...document.querySelectorAll("form input, form select")]
    .filter(each => each.offsetParent).map(each => each.name)"""


def test_the_form_asks_only_which_load_test_is_to_run(page: Page, tmp_path: Path) -> None:
    with browser(tmp_path / "browser") as window:
        window.open(str(page.http.base_url))
        assert window.wait(SEEN) == ["loadtest"]
        window.click("Start")
        assert page.results("calls")["total"]["answered"] > 0
        assert window.errors() == []
