"""A small spec that is served, and the command line that puts it under load."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))
STEP = """
import time


def add(x):
    time.sleep(0.002)
    return {"y": x + 1}


def count(n):
    for number in range(int(n[0])):
        yield {"number": n * 0 + number}
"""
SPEC = """
x-busy: &busy {lag_limit: 100%}
models:
  add:
    python: step.py:add
    input: {x: "FP32[2]"}
    output: {y: "FP32[2]"}
    max_batch_size: 8
    dynamic_batching: {}
  count:
    python: step.py:count
    input: {n: "INT32[1]"}
    output: {number: "INT32[1]"}
    model_transaction_policy: {decoupled: true}
ensembles:
  twice:
    steps:
      - {model: add, input: {x: x}, output: {y: once}}
      - {model: add, input: {x: once}, output: {y: y}}
loadtests:
  # A shared machine may be late; these tests are about other things.
  quiet: {<<: *busy, model: add, arrivals: {constant: 30/s}, duration: 2s, warmup: 1s,
          slo: {p99: 2s}}
  users: {<<: *busy, model: twice, arrivals: {closed: 2}, duration: 2s, protocol: http}
  strict: {<<: *busy, model: add, arrivals: {poisson: 20/s}, duration: 2s,
           slo: {p50: 1ms, error_rate: 0%}}
  stream: {<<: *busy, model: count, protocol: grpc-stream, arrivals: {closed: 1}, duration: 2s,
           data: {inputs: {n: {range: 3}}}}
  wrong: {<<: *busy, model: add, arrivals: {closed: 1}, duration: 1s, data: rows.jsonl,
          expect: answers}
  right: {<<: *busy, model: add, arrivals: {closed: 1}, duration: 1s, data: good.jsonl,
          expect: answers}
  long: {<<: *busy, model: add, arrivals: {constant: 30/s}, duration: 60s, warmup: 0s}
  mix: {<<: *busy, models: {add: 3, twice: 1}, arrivals: {poisson: 40/s}, duration: 3s}
  limit: {<<: *busy, model: add, arrivals: {poisson: 100/s}, duration: 5s, slo: {p95: 50ms}}
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Project:
    """A folder with the spec, and the commands that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "step.py").write_text(STEP)
        (folder / "spec.yaml").write_text(SPEC)
        (folder / "rows.jsonl").write_text('{"x": [1, 2], "expected.y": [7, 7]}\n')
        (folder / "good.jsonl").write_text('{"x": [1, 2], "expected.y": [2, 3]}\n')

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [TRITONGEN, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )

    def run(self, *arguments: str, timeout_s: float = 120) -> Done:
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
                raise
        return Done(process.returncode, out, err)

    def load(self, *arguments: str) -> Done:
        """Run a load test, again if the machine was too busy to be trusted."""
        for _ in range(4):
            done = self.run("load", *arguments)
            if "woke up" not in done.err:
                break
        return done

    def result(self, name: str) -> dict[str, Any]:
        """Return the newest result of a load test."""
        folder = self.folder / ".tritongen" / "results"
        newest = max(folder.glob(f"{name}-*.json"), key=lambda path: path.stat().st_mtime_ns)
        found: dict[str, Any] = json.loads(newest.read_text())
        return found

    def endpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").out)["endpoint"]
        return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def served(project: Project) -> Iterator[Project]:
    """Serve the spec for all tests of a module."""
    up = project.run("up", "--detach")
    assert up.code == 0, up.err
    try:
        yield project
    finally:
        project.run("down")
