"""``up SPEC``: built, then served as the spec says, on the engine's release."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tritongen.parts.engines import embedded
from tritongen.triton import Triton

pytestmark = pytest.mark.server

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))
STEP = """
def double(x):
    return {"y": x * 2}
"""
SPEC = """
tritongen: 1
name: doubling
models:
  double:
    python: step.py:double
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
    max_batch_size: 4
"""
METRICS = """
    model_metrics:
      metric_control:
        - metric_identifier: {family: nv_inference_first_response_histogram_ms}
          histogram_options: {buckets: [1, 2]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A spec and its step; what runs there at the end is stopped."""
    (tmp_path / "step.py").write_text(STEP)
    (tmp_path / "spec.yaml").write_text(SPEC)
    yield tmp_path
    if endpoint := embedded.find(tmp_path):
        embedded.stop(endpoint)


def up(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [TRITONGEN, "up", "-d", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def config(folder: Path) -> str:
    endpoint = embedded.find(folder)
    assert endpoint
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        return str(triton.config("double"))


def test_a_spec_is_built_and_served(folder: Path) -> None:
    started = up(folder)
    assert started.returncode == 0, started.stderr
    assert (folder / "model_repository" / "double" / "config.pbtxt").is_file()
    assert not list(folder.rglob("__pycache__/model*"))
    answer = subprocess.run(
        [TRITONGEN, "infer", "double", "--input", "x=21", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "42" in json.dumps(json.loads(answer.stdout))


def test_the_specs_ports_are_taken(folder: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    (folder / "spec.yaml").write_text(SPEC + f"server: {{http_port: {port}}}\n")
    assert up(folder).returncode == 0
    endpoint = embedded.find(folder)
    assert endpoint
    assert endpoint.http == f"127.0.0.1:{port}"


def test_a_newer_spec_that_uses_nothing_newer_is_served(folder: Path) -> None:
    (folder / "spec.yaml").write_text(SPEC + 'triton: "26.01"\n')
    started = up(folder)
    assert started.returncode == 0, started.stderr


def test_what_the_engine_lacks_is_named_and_can_be_left_out(folder: Path) -> None:
    (folder / "spec.yaml").write_text(SPEC + METRICS + 'triton: "26.01"\n')
    refused = up(folder)
    assert refused.returncode == 5, refused.stderr
    assert "double uses model_metrics: Triton has it since 24.11" in refused.stderr
    assert "--as 24.10" in refused.stderr

    served = up(folder, "--as", "24.10")
    assert served.returncode == 0, served.stderr
    assert "double uses model_metrics" in served.stderr
    assert "model_metrics" not in config(folder)
