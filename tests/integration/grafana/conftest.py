"""The stack without Docker, every part of it real but Grafana: what its panels would ask.

Two Tritons, HAProxy, Locust's master and workers, Prometheus, with what is rendered. Changed are
only addresses (no DNS of Docker's), scrapes and evaluations every second, and rates that look back
15 seconds instead of a minute.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.integration.gateway.fleet import Fleet, Gateway, free_ports, gateway, installed

from tritongen.parts.engines.embedded import Serving
from tritongen.parts.serveroptions import server_options
from tritongen.parts.targets import TARGETS
from tritongen.parts.targets.grafana import render as render_grafana
from tritongen.records.endpoint import Endpoint
from tritongen.records.plan import Plan
from tritongen.records.tree import Text
from tritongen.stages.load import load
from tritongen.stages.payloads import payloads
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve
from tritongen.stages.run import run

PROGRAM = shutil.which("prometheus")
LOCUST = Path(sys.executable).with_name("locust")
WINDOW_S = 15
WORKERS = 2
RATE = 15
STEPS = """
import time


def prepare(x):
    time.sleep(0.002)
    if (x > 999).any():
        raise ValueError("too much")
    return {"middle": x + 1}


def work(middle):
    time.sleep(0.01)
    return {"y": middle * 2}


def stream(x):
    for number in range(3):
        yield {"y": x + number}
"""
SPEC = """
tritongen: 1
name: shown
models:
  prepare: &step
    python: steps.py:prepare
    input: {x: "FP32[4]"}
    output: {middle: "FP32[4]"}
    max_batch_size: 8
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}
  work:
    <<: *step
    python: steps.py:work
    input: {middle: "FP32[4]"}
    output: {y: "FP32[4]"}
    max_batch_size: 16
    dynamic_batching: {max_queue_delay_microseconds: 2000}
  kept:
    <<: *step
    response_cache: {enable: true}
  stream:
    python: steps.py:stream
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
    model_transaction_policy: {decoupled: true}
ensembles:
  chain: {steps: [prepare, work]}
slo:
  chain: {p99: 1s, error_rate: 1%}
loadtests:
  steady:
    model: chain
    arrivals: {constant: RATE/s}
    duration: 50s
    warmup: 2s
  other: {model: kept, protocol: http, arrivals: {constant: 10/s}, duration: 5s}
stack: {replicas: 2}
""".replace("RATE", str(RATE))


@dataclass(frozen=True)
class Shown(Fleet):
    """The stack's Tritons, with their own spec."""

    def plan(self, gateway: Mapping[str, Any]) -> Plan:
        return planned(self.folder)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Where its parts answer; ``root`` holds what was rendered."""

    root: Path
    plan: Plan
    replicas: tuple[Endpoint, ...]
    gateway: Gateway
    prometheus: str
    page: str

    def ask(self, query: str, at_s: float | None = None) -> list[dict[str, Any]]:
        """Return the samples of an instant query, rates over the shorter window."""
        said = {"query": query.replace("[1m]", f"[{WINDOW_S}s]")}
        if at_s is not None:
            said["time"] = str(at_s)
        url = f"http://{self.prometheus}/api/v1/query"
        answer = httpx.post(url, data=said, timeout=30, trust_env=False).json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def start(self, loadtest: str) -> None:
        """Begin a load test as its page does."""
        said = {"user_count": "1", "spawn_rate": "1", "loadtest": loadtest}
        answer = httpx.post(f"http://{self.page}/swarm", data=said, timeout=30, trust_env=False)
        assert answer.json()["success"], answer.text

    def results(self, loadtest: str) -> Any:
        """Return the results of a load test if it is the last that ended."""
        url = f"http://{self.page}/triton/results.json"
        answer = httpx.get(url, timeout=30, trust_env=False)
        found = answer.json() if answer.is_success else {}
        return found if found.get("name") == loadtest else None

    @cached_property
    def instances(self) -> list[str]:
        return [each.metrics for each in self.replicas]


def until(found: Callable[[], Any], seconds: float, why: str) -> Any:
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, why
        time.sleep(0.2)
    return value


def planned(folder: Path) -> Plan:
    (folder / "steps.py").write_text(STEPS)
    (folder / "spec.yaml").write_text(SPEC)
    spec = load([folder / "spec.yaml"], {})
    plan, _ = payloads(resolve(spec, probe(spec, folder)), folder)
    return plan


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    haproxy = installed()
    if PROGRAM is None or haproxy is None:
        pytest.skip("NOT TESTED on real data: needs Prometheus and HAProxy (apt-get install)")
    folder = tmp_path_factory.mktemp("stack")
    plan = planned(folder)
    rendered = {name: target.render(plan) for name, target in TARGETS.items()}
    for entries in (*rendered.values(), render_grafana(plan)):
        for path, entry in entries.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(entry, Text):
                (folder / path).write_text(entry.text)
            else:
                shutil.copy(entry.source, folder / path)
    with ExitStack() as parts:
        replicas = tuple(parts.enter_context(serving(plan, folder, i)) for i in range(2))
        (folder / "gateway").mkdir()
        front = parts.enter_context(
            gateway(haproxy, Shown(folder, replicas), folder / "gateway", {}, {})
        )
        page = parts.enter_context(locust(folder, front, replicas[0]))
        address = parts.enter_context(prometheus(folder, replicas, front, page))
        yield Stack(
            root=folder,
            plan=plan,
            replicas=replicas,
            gateway=front,
            prometheus=address,
            page=page,
        )


@contextmanager
def serving(plan: Plan, folder: Path, number: int) -> Iterator[Endpoint]:
    """Serve the plan with the options of its stack."""
    assert plan.stack is not None
    options = server_options(replace(plan, server=plan.stack.server), ports=False)
    (folder / f"triton{number}").mkdir()
    server = Serving(
        root=folder / f"triton{number}",
        repository=folder / "model_repository",
        release=plan.release,
        environment=os.environ,
        options=tuple(option.argument for option in options),
        auto_complete=plan.auto_complete,
        usual_ports=False,
        timeout_s=60,
    )
    with run(server) as endpoint:
        yield endpoint


@contextmanager
def running(log: Path, *words: str, **more: Any) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("w") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, **more)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        print(f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-2000:]}")


@contextmanager
def locust(folder: Path, front: Gateway, replica: Endpoint) -> Iterator[str]:
    """Run a master and workers from the rendered folder, as the stack's services do."""
    port, web = free_ports(2)
    program = (str(LOCUST), "--locustfile", str(folder / "loadtests" / "locustfile.py"))
    common = (f"--http-address={front.http}", f"--grpc-address={front.grpc}")
    master = (
        *("--master", "--master-bind-host=127.0.0.1", f"--master-bind-port={port}"),
        *("--web-host=127.0.0.1", f"--web-port={web}", f"--results={folder / 'results.json'}"),
        f"--statistics-address={replica.http}",
    )
    worker = ("--worker", "--master-host=127.0.0.1", f"--master-port={port}")
    with ExitStack() as processes:
        for number in range(WORKERS):
            log = folder / f"worker{number}.log"
            processes.enter_context(running(log, *program, *common, *worker, cwd=folder))
        log = folder / "master.log"
        processes.enter_context(running(log, *program, *common, *master, cwd=folder))
        until(lambda: workers(f"127.0.0.1:{web}") == WORKERS, 60, "no workers")
        yield f"127.0.0.1:{web}"


def workers(page: str) -> int:
    try:
        answer = httpx.get(f"http://{page}/stats/requests", trust_env=False, timeout=10)
    except httpx.TransportError:
        return 0
    return len(answer.json().get("workers", []))


@contextmanager
def prometheus(
    folder: Path, replicas: tuple[Endpoint, ...], front: Gateway, page: str
) -> Iterator[str]:
    """Run Prometheus on the rendered configuration."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    rendered = folder / "compose" / "prometheus"
    config = yaml.safe_load((rendered / "prometheus.yml").read_text())
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["global"] = every
    del config["alerting"]
    where = {
        "triton": [each.metrics for each in replicas],
        "gateway": [front.metrics],
        "locust": [page],
        "prometheus": [address],
    }
    kept = []
    for job in config["scrape_configs"]:
        if job["job_name"] in where:
            job.pop("dns_sd_configs", None)
            groups = job.get("static_configs") or [{}]
            job["static_configs"] = [{**each, "targets": where[job["job_name"]]} for each in groups]
            kept.append(job)
    config["scrape_configs"] = kept
    folder = folder / "prometheus"
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    for file in ("rules.yml", "alerts.yml"):
        text = (rendered / file).read_text().replace("[1m]", f"[{WINDOW_S}s]")
        (folder / file).write_text(text)
    options = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    )
    with running(folder / "log", str(PROGRAM), *options):
        until(lambda: ready(address), 60, "Prometheus is not ready")
        yield address


def ready(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/-/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False
