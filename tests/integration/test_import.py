"""An imported repository, built elsewhere, is served like the original: configurations, answers."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from tests.unit.probe import onnx_models

from tritongen.errors import EngineError
from tritongen.records.endpoint import Endpoint
from tritongen.triton import Request, Triton

pytestmark = pytest.mark.server

Serve = Callable[..., Endpoint]
Model = Callable[..., Path]
PROGRAM = Path(sys.executable).parent / "tritongen"

CHAIN = """
platform: "ensemble"
max_batch_size: 4
input { name: "IN" data_type: TYPE_FP32 dims: 1 }
output { name: "OUT" data_type: TYPE_FP32 dims: 1 }
ensemble_scheduling {
  step {
    model_name: "first" model_version: -1
    input_map { key: "X" value: "IN" } output_map { key: "Y" value: "between" }
  }
  step {
    model_name: "second" model_version: 3
    input_map { key: "X" value: "between" } output_map { key: "Y" value: "OUT" }
  }
}
"""
CALLS = """
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        answers = []
        for request in requests:
            asked = pb.InferenceRequest(
                model_name="first", requested_output_names=["Y"], inputs=request.inputs()
            )
            answers.append(pb.InferenceResponse(asked.exec().output_tensors()))
        return answers
"""


def imported(repository: Path) -> Path:
    """Import a repository and build it elsewhere, by hand's own commands."""
    folder = repository.parent / "imported"
    folder.mkdir()
    for command in (
        ["import", repository, "-o", folder / "spec.yaml"],
        ["build", folder / "spec.yaml", "-o", folder / "copy"],
    ):
        done = subprocess.run([PROGRAM, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "copy" / "model_repository"


def held_together(
    original: Endpoint, copy: Endpoint, asked: Mapping[str, Mapping[str, np.ndarray]]
) -> None:
    """Demand the same models, configurations and answers of two servers."""
    with (
        Triton(http=original.http, grpc=original.grpc) as one,
        Triton(http=copy.http, grpc=copy.grpc) as other,
    ):
        index = [(row.name, row.version, row.state) for row in one.index()]
        assert index == [(row.name, row.version, row.state) for row in other.index()]
        for name in {row[0] for row in index}:
            assert one.config(name) == other.config(name)
        for name, inputs in asked.items():
            request = Request(model=name, inputs=inputs)
            first, second = one.infer(request), other.infer(request)
            assert first.outputs.keys() == second.outputs.keys()
            for tensor, array in first.outputs.items():
                np.testing.assert_array_equal(array, second.outputs[tensor])


def test_python_models_versions_ensembles_and_calls_are_served_alike(
    serve: Serve, model: Model
) -> None:
    model("first", config='parameters { key: "x" value { string_value: "${x}" } }')
    repository = model("second", config="version_policy { all { } }")
    (repository / "second" / "1").rename(repository / "second" / "3")
    model("calls", CALLS)
    (repository / "chain" / "1").mkdir(parents=True)
    (repository / "chain" / "config.pbtxt").write_text(CHAIN)
    copy = imported(repository)
    x = np.array([[1], [2]], np.float32)
    asked = {"first": {"X": x}, "second": {"X": x}, "calls": {"X": x}, "chain": {"IN": x}}
    held_together(serve(repository), serve(copy), asked)


def test_models_that_triton_completes_are_completed_alike(serve: Serve, tmp_path: Path) -> None:
    repository = tmp_path / "models"
    content = onnx_models.identity().SerializeToString()
    for name in ("bare", "empty", "named.x"):
        (repository / name / "1").mkdir(parents=True)
        (repository / name / "1" / "model.onnx").write_bytes(content)
    (repository / "empty" / "config.pbtxt").write_text("")
    (repository / "named.x" / "config.pbtxt").write_text('platform: "onnxruntime_onnx"')
    copy = imported(repository)
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    held_together(
        serve(repository, auto_complete=True),
        serve(copy, auto_complete=True),
        {name: {"x": x} for name in ("bare", "empty", "named.x")},
    )


@pytest.mark.parametrize(
    "text",
    [
        'parameters { key: "x" value { string_value: "a\\d" } }',
        "inputs {}",
        "max_batch_size: ${n}",
    ],
)
def test_what_import_can_not_parse_triton_can_not_either(
    serve: Serve, model: Model, text: str
) -> None:
    repository = model("m", config=text)
    with pytest.raises(EngineError):
        serve(repository, timeout_s=30)
