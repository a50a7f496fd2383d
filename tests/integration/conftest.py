"""The real tritonserver for tests: ``serve(repository, *options)`` returns where it answers."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.stages.run import run

Serve = Callable[..., Endpoint]
Model = Callable[..., Path]

ADDS_ONE = """
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        rows = [pb.get_input_tensor_by_name(request, "X").as_numpy() for request in requests]
        return [pb.InferenceResponse([pb.Tensor("Y", row + 1)]) for row in rows]
"""
CONFIG = """
backend: "python"
max_batch_size: 4
input { name: "X" data_type: TYPE_FP32 dims: 1 }
output { name: "Y" data_type: TYPE_FP32 dims: 1 }
instance_group { kind: KIND_CPU count: 1 }
"""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """Write a Python model into ``tmp_path / "models"`` and return that repository.

    ``model(name, code, config)``: without ``code`` it adds one to X; ``config`` is added.
    """
    repository = tmp_path / "models"

    def write(name: str, code: str = ADDS_ONE, config: str = "") -> Path:
        version = repository / name / "1"
        version.mkdir(parents=True)
        (version / "model.py").write_text(code)
        (version.parent / "config.pbtxt").write_text(CONFIG + config)
        return repository

    return write


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start servers on any free ports, each with a run folder of its own; stop them at the end.

    ``serve(repository, "--option=value", release="24.10", auto_complete=False, timeout_s=60)``.
    A server's log is in ``endpoint.log``; pytest shows its end where a test fails.
    """
    with ExitStack() as servers:

        def start(
            repository: Path,
            *options: str,
            release: str = RELEASE,
            auto_complete: bool = False,
            timeout_s: float = 60,
        ) -> Endpoint:
            serving = Serving(
                root=tmp_path_factory.mktemp("server"),
                repository=repository,
                release=releases()[release],
                environment=os.environ,
                options=options,
                auto_complete=auto_complete,
                usual_ports=False,
                timeout_s=timeout_s,
            )
            endpoint = servers.enter_context(run(serving))
            # Captured, so that it is seen only where the test fails.
            servers.callback(lambda: print(_tail(Path(endpoint.log))))
            return endpoint

        yield start


def _tail(log: Path, lines: int = 60) -> str:
    return f"--- {log}\n" + "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount file systems (root may): ``mount(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs")``."""
    with ExitStack() as mounted:

        def mount_(path: Path, *options: str) -> Path:
            path.mkdir(exist_ok=True)
            subprocess.run(["mount", *options, str(path)], check=True)
            mounted.callback(subprocess.run, ["umount", str(path)], check=True)
            return path

        yield mount_
