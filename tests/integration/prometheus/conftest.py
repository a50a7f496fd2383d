"""The real Triton with the options of a stack, and a real Prometheus with the rendered rules.

Only three things are changed in what is rendered: where Triton is (no Docker, no DNS), scrapes and
evaluations come every second, and rates look back 15 seconds instead of a minute.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tritongen.parts.engines.embedded import Serving
from tritongen.parts.serveroptions import server_options
from tritongen.parts.targets import TARGETS
from tritongen.records.endpoint import Endpoint
from tritongen.records.plan import Plan
from tritongen.records.stack import OTEL, OTLP_HTTP_PORT
from tritongen.records.tree import Text
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve
from tritongen.stages.run import run

PROGRAM = shutil.which("prometheus")
WINDOW_S = 15
STEPS = """
import time


def plain(x):
    if (x < 0).any():
        raise ValueError("negative")
    return {"y": x + 1}


def slow(x):
    time.sleep(0.02)
    return {"y": x}


def stream(x):
    yield {"y": x}
    if (x < 0).any():
        raise ValueError("negative")
"""
SPEC = """
name: watched
models:
  plain: &step
    python: step.py:plain
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
    max_batch_size: 8
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}
  slow:
    <<: *step
    python: step.py:slow
    dynamic_batching: {default_queue_policy: {max_queue_size: 64}}
    model_warmup:
      - name: w
        batch_size: 1
        count: 5
        inputs: {x: {data_type: FP32, dims: [1], zero_data: true}}
  cached: {<<: *step, response_cache: {enable: true}}
  stream:
    python: step.py:stream
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
    model_transaction_policy: {decoupled: true}
ensembles:
  inner:
    steps:
      - {model: plain, input: {x: x}, output: {y: once}}
      - {model: slow, input: {x: once}, output: {y: y}}
  outer:
    steps:
      - {model: inner, input: {x: x}, output: {y: twice}}
      - {model: plain, input: {x: twice}, output: {y: y}}
slo:
  outer: {p50: 10ms, p90: 10ms, p95: 10ms, p99: 10s, p999: 10s, error_rate: 1%}
  slow: {error_rate: 1%}
stack: {gateway: none}
"""


def wait_for(holds: Callable[[], object], why: str, limit_s: float = 60) -> None:
    until = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < until, why
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Watched:
    """A plan that is served and watched: its server, and the address of its Prometheus."""

    plan: Plan
    endpoint: Endpoint
    prometheus: str

    def ask(self, query: str, at_s: float | None = None) -> list[dict[str, Any]]:
        """Return an instant query's samples."""
        when = {} if at_s is None else {"time": str(at_s)}
        answer = httpx.get(
            f"http://{self.prometheus}/api/v1/query", params={"query": query, **when}, timeout=30
        ).json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def values(self, query: str, *labels: str, at_s: float | None = None) -> dict[Any, float]:
        """Return an instant query's values by these labels, one or several."""
        found = {}
        for sample in self.ask(query, at_s):
            key = tuple(sample["metric"].get(label, "") for label in labels)
            found[key if len(key) > 1 else "".join(key)] = float(sample["value"][1])
        return found

    def evaluated_s(self) -> float:
        """Return when the rules were evaluated last; that is over when the next one has begun."""

        def last() -> float:
            return max(self.values("timestamp(tritongen:successes:rate1m)", "model").values())

        found = last()
        wait_for(lambda: last() > found, "the rules are not evaluated any more")
        return found

    def metrics(self) -> str:
        """Return Triton's own page."""
        return httpx.get(f"http://{self.endpoint.metrics}/metrics", timeout=30).text


def planned(folder: Path, text: str) -> Plan:
    """Return a spec's plan, with its files below ``folder``."""
    (folder / "step.py").write_text(STEPS)
    (folder / "spec.yaml").write_text(text)
    spec = load([folder / "spec.yaml"], {})
    return resolve(spec, probe(spec, folder))


@contextmanager
def served(plan: Plan, folder: Path, *, collector: str = "") -> Iterator[Endpoint]:
    """Render a plan and serve it as in its stack; traces go to ``collector``, ``host:port``."""
    assert plan.stack is not None
    for target in ("repository", "prometheus"):
        for path, entry in TARGETS[target].render(plan).items():
            assert isinstance(entry, Text)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(entry.text)
    told = server_options(replace(plan, server=plan.stack.server), ports=False)
    arguments = (option.argument for option in told)
    serving = Serving(
        root=folder,
        repository=folder / "model_repository",
        release=plan.release,
        environment=os.environ,
        options=tuple(each.replace(f"{OTEL}:{OTLP_HTTP_PORT}", collector) for each in arguments),
        auto_complete=plan.auto_complete,
        usual_ports=False,
        timeout_s=60,
    )
    with run(serving) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    if PROGRAM is None:
        pytest.skip("prometheus is not installed (apt-get install prometheus)")
    folder = tmp_path_factory.mktemp("watched")
    plan = planned(folder, SPEC)
    with served(plan, folder) as endpoint, scraping(folder, endpoint) as address:
        yield Watched(plan, endpoint, address)


@contextmanager
def scraping(folder: Path, endpoint: Endpoint, gateway: str = "") -> Iterator[str]:
    """Run Prometheus on the rendered rules; ``gateway`` is where that tells its metrics."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    rendered = folder / "compose" / "prometheus"
    config = yaml.safe_load((rendered / "prometheus.yml").read_text())
    config["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    del config["alerting"]
    where = {"triton": endpoint.metrics, "prometheus": address, "gateway": gateway}
    jobs = [job for job in config["scrape_configs"] if where.get(job["job_name"])]
    for job in jobs:
        job.pop("dns_sd_configs", None)
        for static in job.setdefault("static_configs", [{}]):
            static["targets"] = [where[job["job_name"]]]
    config["scrape_configs"] = jobs
    (rendered / "prometheus.yml").write_text(yaml.safe_dump(config))
    for file in ("rules.yml", "alerts.yml"):
        text = (rendered / file).read_text().replace("[1m]", f"[{WINDOW_S}s]")
        rules = yaml.safe_load(text)
        for group in rules["groups"]:
            group["interval"] = "1s"
        (rendered / file).write_text(yaml.safe_dump(rules, sort_keys=False))
    options = (
        f"--config.file={rendered / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    )
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen([str(PROGRAM), *options], stdout=log, stderr=log)
        try:
            wait_for(lambda: answers(f"http://{address}/-/ready"), "Prometheus is not ready")
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
            print((folder / "prometheus.log").read_text()[-3000:])
