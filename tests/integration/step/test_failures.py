"""Failures of a step are counted among the server's metrics: Triton takes them for successes."""

import re

import httpx
import numpy as np
import pytest
from tests.integration.step.conftest import Load, tensor

from tritongen.records.endpoint import Endpoint
from tritongen.triton import Request, Triton, TritonError

pytestmark = pytest.mark.server

X_TO_Y = tensor("input", "x", "FP32") + tensor("output", "y", "FP32")
TWO = "instance_group { kind: KIND_CPU count: 2 }\n"
PLAIN = """
    def step(x):
        if x.min() < 0:
            raise ValueError("negative")
        return {"y": x}
"""
STREAM = """
    def step(x):
        yield {"y": x}
        if x.min() < 0:
            raise ValueError("negative")
"""


def counted(endpoint: Endpoint, metric: str, model: str) -> float:
    text = httpx.get(f"http://{endpoint.metrics}/metrics").text
    found = re.search(rf'^{metric}{{model="{model}",version="1"}} (\S+)$', text, re.MULTILINE)
    assert found, text
    return float(found[1])


def test_all_instances_of_a_step_count_their_failures_together(
    load: Load, triton: Triton, endpoint: Endpoint
) -> None:
    model = load(PLAIN, f"max_batch_size: 4\n{X_TO_Y}{TWO}")
    assert counted(endpoint, "tritongen_step_failures", model) == 0
    for value in (1, -1, 2, -2, -3):
        request = Request(model=model, inputs={"x": np.full((1, 1), value, np.float32)})
        if value > 0:
            triton.infer(request)
        else:
            with pytest.raises(TritonError, match="negative"):
                triton.infer(request)
    assert counted(endpoint, "tritongen_step_failures", model) == 3
    assert counted(endpoint, "nv_inference_request_success", model) == 5


def test_a_stream_that_breaks_off_is_a_failure(
    load: Load, triton: Triton, endpoint: Endpoint
) -> None:
    model = load(STREAM, f"model_transaction_policy {{ decoupled: true }}\n{X_TO_Y}")
    request = Request(model=model, inputs={"x": np.full(1, -1, np.float32)})
    with pytest.raises(TritonError, match="negative"):
        list(triton.stream(request))
    assert counted(endpoint, "tritongen_step_failures", model) == 1
