"""What both benchmarks of load tests need: a server of small models, a scenario, the program."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tritongen import runtime
from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.stages.run import run

CONFIG = """
backend: "python"
max_batch_size: 32
input { name: "X" data_type: TYPE_FP32 dims: 16 }
output { name: "Y" data_type: TYPE_FP32 dims: 16 }
instance_group { kind: KIND_CPU count: 1 }
dynamic_batching {}
"""


@contextmanager
def serve(folder: Path, models: Mapping[str, str]) -> Iterator[Endpoint]:
    """Serve models, each the text of a ``model.py`` from X to Y (FP32, 16), on free ports."""
    for name, text in models.items():
        version = folder / "repository" / name / "1"
        version.mkdir(parents=True)
        (version.parent / "config.pbtxt").write_text(f'name: "{name}"{CONFIG}')
        (version / "model.py").write_text(text)
    serving = Serving(
        root=folder / "run",
        repository=folder / "repository",
        release=releases()[RELEASE],
        environment=os.environ,
        options=(),
        auto_complete=False,
        usual_ports=False,
        timeout_s=60,
    )
    with run(serving) as endpoint:
        yield endpoint


class Program:
    """The load program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Copy it, as it is rendered for a user, with a sample of X."""
        program = Path(runtime.__file__).with_name("load")
        ignored = shutil.ignore_patterns("__pycache__")
        self.folder = shutil.copytree(program, folder / "loadtests", ignore=ignored)
        arrays = {
            "inputs.names": np.array(["X"]),
            "inputs.datatypes": np.array(["FP32"]),
            "inputs.0.data": np.zeros(64, np.uint8),
            "inputs.0.ends": np.array([64]),
            "inputs.0.shapes": np.array([[1, 16]]),
        }
        np.savez(self.folder / "x.npz", **arrays)

    def run(self, model: str, address: str, arrivals: Mapping[str, Any], **said: Any) -> Any:
        """Run a scenario with one model; return its results."""
        scenario = {
            "scenario": 1,
            "name": model,
            "seed": 1,
            "protocol": "http",
            "address": address,
            "arrivals": arrivals,
            "requests": [{"name": model, "model": model, "payload": "x.npz"}],
            **said,
        }
        (self.folder / "scenario.json").write_text(json.dumps(scenario))
        locust = [sys.executable, "-m", "locust", "-f", "locustfile.py", "--headless"]
        subprocess.run(
            [*locust, "--only-summary"],
            check=True,
            capture_output=True,
            cwd=self.folder,
            timeout=60,
        )
        return json.loads((self.folder / "results.json").read_text())


def level(law: str, to: float) -> dict[str, Any]:
    """Return arrivals of one level: users, or requests per second."""
    return {"law": law, "stages": [{"from": to, "to": to, "seconds": 1}]}
