"""Why TG137 is an error: the response cache takes one shape for another of the same bytes."""

from pathlib import Path

import numpy as np
import pytest
from tests.integration.conftest import Serve

from tritongen.triton import Request, Triton

pytestmark = pytest.mark.server

ECHO = """
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        rows = [pb.get_input_tensor_by_name(request, "X").as_numpy() for request in requests]
        return [pb.InferenceResponse([pb.Tensor("Y", row)]) for row in rows]
"""
CONFIG = """
backend: "python"
max_batch_size: 4
input { name: "X" data_type: TYPE_FP32 dims: -1 }
output { name: "Y" data_type: TYPE_FP32 dims: -1 }
instance_group { kind: KIND_CPU count: 1 }
"""


@pytest.mark.parametrize(
    ("config", "answered"), [("", [2, 2]), ("response_cache { enable: true }", [4, 1])]
)
def test_a_cached_answer_is_given_to_another_shape(
    tmp_path: Path, serve: Serve, config: str, answered: list[int]
) -> None:
    version = tmp_path / "echo" / "1"
    version.mkdir(parents=True)
    (version / "model.py").write_text(ECHO)
    (version.parent / "config.pbtxt").write_text(CONFIG + config)
    endpoint = serve(tmp_path, "--cache-config=local,size=1048576")
    values = np.arange(4, dtype="f4")
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        answers = [
            triton.infer(Request(model="echo", inputs={"X": values.reshape(shape)}))
            for shape in ((4, 1), (2, 2))
        ]
    assert list(answers[1].outputs["Y"].shape) == answered
