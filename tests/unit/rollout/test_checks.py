"""A replica's answer to its sample request is held to what the model and its load test say."""

from typing import Any

import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from tritongen.stages.rollout.checks import Check, Expected, wrong


def answer(datatype: str, shape: list[int], data: bytes) -> Any:
    message = service_pb2.ModelInferResponse(model_name="m")
    message.outputs.add(name="y", datatype=datatype, shape=shape)
    message.raw_output_contents.append(data)
    return message


def check(**expected: Any) -> Check:
    said = {"datatype": "FP32", "shape": (-1, 2), **expected}
    return Check(model="m", request=None, outputs={"y": Expected(**said)})


FLOATS = np.array([[1, 2]], np.float32).tobytes()
OTHER = "y of m is not what its load test expects"
CLOSE = np.array([[1, 2.0001]], np.float32).tobytes()


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ({}, answer("FP32", [1, 2], FLOATS)),
        ({"data": FLOATS, "rtol": 1e-3}, answer("FP32", [1, 2], CLOSE)),
        ({"datatype": "BYTES", "data": b"\1\0\0\0a"}, answer("BYTES", [1, 2], b"\1\0\0\0a")),
        ({"datatype": "BF16", "data": b"abcd"}, answer("BF16", [1, 2], b"abcd")),
    ],
)
def test_an_answer_that_fits_is_fine(expected: dict[str, Any], given: Any) -> None:
    assert list(wrong(check(**expected), given)) == []


@pytest.mark.parametrize(
    ("expected", "given", "told"),
    [
        ({}, answer("FP32", [1, 3], FLOATS), "y of m is FP32[1, 3], not FP32[-1, 2]"),
        ({}, answer("FP64", [1, 2], FLOATS), "y of m is FP64[1, 2], not FP32[-1, 2]"),
        ({}, service_pb2.ModelInferResponse(), "m answers without y"),
        ({"data": FLOATS}, answer("FP32", [1, 2], CLOSE), OTHER),
        ({"data": FLOATS}, answer("FP32", [1, 2], b""), OTHER),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(
    expected: dict[str, Any], given: Any, told: str
) -> None:
    assert list(wrong(check(**expected), given)) == [told]
