"""Load tests as a user has them: the program copied to a folder, started by Locust."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integration.gateway.fleet import free_ports

import tritongen
from tritongen.records.endpoint import Endpoint

PROGRAM = Path(tritongen.__file__).parent / "runtime" / "load"
LOCUST = Path(sys.executable).with_name("locust")

MODELS = """
import time
import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        x = pb.get_input_tensor_by_name(request, "X").as_numpy()
        return pb.InferenceResponse([pb.Tensor("Y", CODE)])
"""
CONFIG = """
backend: "python"
max_batch_size: 8
input { name: "X" data_type: TYPE_FP32 dims: 4 }
output { name: "Y" data_type: TYPE_FP32 dims: -1 }
instance_group { kind: KIND_CPU count: 1 }
"""


@dataclass(frozen=True)
class Ran:
    """How a load test ended."""

    code: int
    output: str
    folder: Path

    @property
    def results(self) -> Any:
        return json.loads((self.folder / "results.json").read_text())

    @property
    def live(self) -> list[Any]:
        return [json.loads(line) for line in (self.folder / "live").read_text().splitlines()]


class Load:
    """A folder with the program, a scenario and a payload file."""

    def __init__(self, folder: Path) -> None:
        self.folder = shutil.copytree(
            PROGRAM, folder / "loadtests", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.scenario: dict[str, Any] = {}
        self.started: list[subprocess.Popen[str]] = []

    def say(self, server: Endpoint | str, protocol: str = "http", **said: Any) -> "Load":
        """Write the scenario: half a second of warm-up, two users for a second, or as ``said``."""
        address = server
        if isinstance(server, Endpoint):
            address = server.http if protocol == "http" else server.grpc
        self.scenario = {
            "scenario": 1,
            "name": "test",
            "seed": 1,
            "protocol": protocol,
            "address": address,
            "duration_s": 1,
            "warmup_s": 0.5,
            "timeout_s": 5,
            "arrivals": {"law": "closed", "stages": [{"from": 2, "to": 2, "seconds": 1}]},
            "requests": [{"name": "adds", "model": "adds", "payload": "x.npz"}],
            **said,
        }
        (self.folder / "scenario.json").write_text(json.dumps(self.scenario))
        return self

    def payload(self, name: str = "x.npz", rows: int = 3, add: float = 1) -> None:
        """Write ``rows`` samples of X (FP32, [1, 4]) and Y, which is X + ``add``."""
        x = np.arange(rows * 4, dtype="<f4").reshape(rows, 4)
        arrays: dict[str, Any] = {}
        for role, tensor, values in (("inputs", "X", x), ("outputs", "Y", x + np.float32(add))):
            arrays[f"{role}.names"] = np.array([tensor])
            arrays[f"{role}.datatypes"] = np.array(["FP32"])
            arrays[f"{role}.0.data"] = np.frombuffer(values.tobytes(), np.uint8)
            arrays[f"{role}.0.ends"] = np.arange(1, rows + 1, dtype=np.int64) * 16
            arrays[f"{role}.0.shapes"] = np.array([[1, 4]] * rows, dtype=np.int64)
        np.savez(self.folder / name, **arrays)

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start Locust; it is killed at the end of the test if it still runs."""
        program = [str(LOCUST), "-f", "locustfile.py", "--headless", "--only-summary"]
        if "--processes" in options:  # other tests have workers at the same time
            port = str(free_ports(1)[0])
            program += ["--master-bind-port", port, "--master-port", port]
        process = subprocess.Popen(
            [*program, "--results", "results.json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        )
        self.started.append(process)
        return process

    def end(self, process: "subprocess.Popen[str]", timeout_s: float = 40) -> Ran:
        """Wait for a started program."""
        output, _ = process.communicate(timeout=timeout_s)
        return Ran(process.returncode, output, self.folder)

    def run(self, *options: str) -> Ran:
        """Run the scenario, with a live feed."""
        return self.end(self.start("--live", str(self.folder / "live"), *options))


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    made = Load(tmp_path)
    made.payload()
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=10)


Write = Callable[..., Path]


@pytest.fixture
def adding(tmp_path: Path) -> Write:
    """Write a model that returns ``code`` of x, by default x + 1."""

    def write(name: str = "adds", code: str = "x + 1", config: str = "") -> Path:
        version = tmp_path / "models" / name / "1"
        version.mkdir(parents=True)
        (version / "model.py").write_text(MODELS.replace("CODE", code))
        (version.parent / "config.pbtxt").write_text(CONFIG + config)
        return version.parent.parent

    return write
