"""Two real Tritons that serve one spec, and HAProxy in front of them as it is in the stack."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.parts.targets.gateway import Replica, Surroundings, files
from tritongen.records.endpoint import Endpoint
from tritongen.records.plan import Plan
from tritongen.records.release import releases
from tritongen.stages.apply import apply, diff
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve
from tritongen.stages.run import run

MODELS = """
tritongen: 1
name: fleet
models:
  add: {python: steps.py:add, input: {X: "FP32[-1]"}, output: {Y: "FP32[-1]"}, max_batch_size: 4}
  slow: {python: steps.py:slow, input: {X: "FP32[1]"}, output: {Y: "FP32[1]"}, max_batch_size: 1}
  full:
    python: steps.py:slow
    input: {X: "FP32[1]"}
    output: {Y: "FP32[1]"}
    max_batch_size: 1
    dynamic_batching: {default_queue_policy: {max_queue_size: 1}}
  late:
    python: steps.py:slow
    input: {X: "FP32[1]"}
    output: {Y: "FP32[1]"}
    max_batch_size: 1
    dynamic_batching: {default_queue_policy: {default_timeout_microseconds: 1000}}
  many: {python: steps.py:many, input: {X: "FP32[1]"}, output: {Y: "FP32[1]"}, max_batch_size: 0}
  sum:
    python: sequence.py
    input: {X: "FP32[1]"}
    output: {Y: "FP32[1]"}
    max_batch_size: 1
    sequence_batching:
      control_input:
        - {name: START, control: {kind: start, int32_false_true: [0, 1]}}
"""
STEPS = """
import time


def add(X):
    return {"Y": X + 1}


def slow(X):
    time.sleep(0.5)
    return {"Y": X}


def many(X):
    if X[0] < 0:
        raise ValueError("negative")
    for number in range(3):
        yield {"Y": X + number}
        time.sleep(0.2)
"""
SEQUENCE = """
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args):
        self.sums = {}

    def execute(self, requests):
        answers = []
        for request in requests:
            x, start = (
                pb.get_input_tensor_by_name(request, name).as_numpy() for name in ("X", "START")
            )
            key = request.correlation_id()
            self.sums[key] = x + (0 if start.flat[0] else self.sums[key])
            answers.append(pb.InferenceResponse([pb.Tensor("Y", self.sums[key])]))
        return answers
"""
WAIT_S = 20


@dataclass(frozen=True)
class Fleet:
    """Tritons that serve the same models, and the folder of their spec."""

    folder: Path
    replicas: Sequence[Endpoint]

    def plan(self, gateway: Mapping[str, Any]) -> Plan:
        """Return the plan of a stack with a gateway like that."""
        return plan_of(self.folder, gateway)


def plan_of(folder: Path, gateway: Mapping[str, Any]) -> Plan:
    stack = {"stack": {"replicas": 2, "gateway": {"haproxy": dict(gateway)}}}
    path = folder / "spec.yaml"
    path.write_text(f"{MODELS}slo: {{add: {{p99: 33ms}}}}\nstack: {json.dumps(stack['stack'])}\n")
    loaded = load([path], {})
    return resolve(loaded, probe(loaded, folder))


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Fleet]:
    """Serve the models with two Tritons; ``options`` are tritonserver's."""
    (folder / "steps.py").write_text(STEPS)
    (folder / "sequence.py").write_text(SEQUENCE)
    tree = render(plan_of(folder, {}))
    apply(diff(tree, folder), folder, tree)
    with ExitStack() as servers:
        endpoints = []
        for number in range(2):
            (folder / str(number)).mkdir()
            started = Serving(
                root=folder / str(number),
                repository=folder / "model_repository",
                release=releases()[RELEASE],
                environment=os.environ,
                options=options,
                usual_ports=False,
            )
            endpoints.append(servers.enter_context(run(started)))
        yield Fleet(folder, endpoints)


@dataclass(frozen=True)
class Gateway:
    """A running HAProxy: where it answers, and what it wrote."""

    http: str
    grpc: str
    metrics: str
    socket: Path
    log: Path

    def records(self, count: int = 0) -> list[dict[str, Any]]:
        """Return the access log once it has so many lines; one that is no JSON fails."""
        end = time.monotonic() + WAIT_S
        while True:
            lines = self.log.read_text("utf-8", "replace").splitlines()
            records = [json.loads(line) for line in lines if line.startswith("{")]
            if len(records) >= count or time.monotonic() > end:
                return records
            time.sleep(0.05)

    def page(self, path: str) -> str:
        answer = httpx.get(f"http://{self.metrics}{path}", trust_env=False)
        assert answer.is_success, answer
        return answer.text

    def metric(self, name: str, **labels: str) -> float:
        """Return a sample of one of the two pages, 0 if there is none."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in (self.page("/metrics") + self.page("/tritongen/metrics")).splitlines():
            head, _, value = line.rpartition(" ")
            said, _, inner = head.partition("{")
            if said == name and wanted <= set(inner.rstrip("}").split(",")):
                return float(value)
        return 0

    def ask(self, command: str) -> str:
        """Return what the runtime API answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@contextmanager
def gateway(
    program: Sequence[str],
    fleet: Fleet,
    folder: Path,
    said: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Iterator[Gateway]:
    """Run what is rendered for the stack, at other addresses; ``secrets`` are files' paths."""
    http, grpc, metrics = (f"127.0.0.1:{port}" for port in free_ports(3))
    at = Surroundings(
        http=http,
        grpc=grpc,
        metrics=metrics,
        folder=str(folder),
        socket=str(folder / "admin.sock"),
        replicas=tuple(Replica(http=each.http, grpc=each.grpc) for each in fleet.replicas),
        **secrets,
    )
    for name, text in files(fleet.plan(said), at).items():
        (folder / name).write_text(text)
    log = folder / "log"
    with log.open("w") as output:
        words = [*program, "-db", "-f", str(folder / "haproxy.cfg")]
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)
    try:
        running = Gateway(http, grpc, metrics, folder / "admin.sock", log)
        _wait(running, process)
        yield running
    finally:
        process.terminate()
        process.wait(10)
        print(f"--- {log}\n{log.read_text('utf-8', 'replace')[-6000:]}")


def _wait(running: Gateway, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"http://{running.metrics}/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"HAProxy did not become ready:\n{running.log.read_text()}")


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def kill(endpoint: Endpoint) -> None:
    """End a Triton as a crash does."""
    os.kill(endpoint.pid, signal.SIGKILL)


def installed() -> list[str] | None:
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    return [program] if program else None
