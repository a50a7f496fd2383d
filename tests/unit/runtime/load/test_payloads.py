"""Samples in a file, and the bytes that go out for them."""

import json
from dataclasses import replace
from pathlib import Path

import load_payloads
import numpy as np
import pytest
from load_payloads import Sample, Tensor
from load_requests import GrpcRequests, HttpRequests, Step
from load_scenario import Output, Request, ScenarioError, Sequences, Unique
from tritonclient.grpc import service_pb2 as v2

X = Tensor(name="a/b:0", datatype="FP32", shape=(1, 2), data=bytes(range(8)))
TEXT = Tensor(name="text", datatype="BYTES", shape=(1, 1), data=b"\x04\0\0\0abcd")
LONG = Tensor(name="text", datatype="BYTES", shape=(1, 2), data=b"\x01\0\0\0a\x02\0\0\0bc")
KIND = Request(
    name="k",
    model="m 1",
    version="3",
    payload=Path(),
    weight=1,
    outputs=(),
    parameters={"priority": 2},
    headers={"X-A": "1"},
    timeout_s=1,
    expect=None,
    unique=None,
    sequence=None,
)
STEP = Step(correlation_id=7, start=True, end=False)


def message(data: bytes) -> tuple[str, dict[str, str], dict[str, object], bytes]:
    """Split an HTTP request: first line, headers, JSON, tensors."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers["Content-Length"]) == len(body)
    length = int(headers["Inference-Header-Content-Length"])
    return first, headers, json.loads(body[:length]), body[length:]


def test_samples_are_read_as_they_were_written(tmp_path: Path) -> None:
    samples = (
        Sample(inputs=(X, TEXT), outputs=(X,)),
        Sample(inputs=(X, LONG), outputs=(X,)),
        Sample(inputs=(X,), outputs=()),
    )
    load_payloads.write(tmp_path / "p.npz", samples)

    assert load_payloads.read(tmp_path / "p.npz") == samples


def test_files_that_hold_no_samples_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    for write in (
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(b"no zip"),
        lambda: np.savez(path, x=np.zeros(3)),
        lambda: load_payloads.write(path, ()),
        lambda: np.savez(path, **{"inputs.names": np.array(["x"], dtype=object)}),
    ):
        write()
        with pytest.raises(ScenarioError, match=r"p\.npz"):
            load_payloads.read(path)


def test_http_carries_json_and_tensors() -> None:
    kind = replace(KIND, outputs=(Output(name="Y", parameters={"classification": 3}),))
    first, headers, said, tensors = message(
        HttpRequests(kind, [Sample(inputs=(X, TEXT), outputs=())], "h:1").encode(0, 0, None)
    )

    assert first == "POST /v2/models/m%201/versions/3/infer HTTP/1.1"
    assert (headers["Host"], headers["X-A"]) == ("h:1", "1")
    assert tensors == X.data + TEXT.data
    assert said == {
        "parameters": {"priority": 2},
        "inputs": [
            {
                "name": "a/b:0",
                "shape": [1, 2],
                "datatype": "FP32",
                "parameters": {"binary_data_size": 8},
            },
            {
                "name": "text",
                "shape": [1, 1],
                "datatype": "BYTES",
                "parameters": {"binary_data_size": 8},
            },
        ],
        "outputs": [{"name": "Y", "parameters": {"binary_data": True, "classification": 3}}],
    }


def test_grpc_carries_the_same() -> None:
    requests = GrpcRequests(KIND, [Sample(inputs=(X, TEXT), outputs=())], streams=True)
    said = v2.ModelInferRequest.FromString(requests.encode(0, 0, None))

    assert (said.model_name, said.model_version) == ("m 1", "3")
    assert list(said.raw_input_contents) == [X.data, TEXT.data]
    assert [(i.name, i.datatype, list(i.shape)) for i in said.inputs] == [
        ("a/b:0", "FP32", [1, 2]),
        ("text", "BYTES", [1, 1]),
    ]
    assert said.parameters["priority"].int64_param == 2
    assert said.parameters["triton_enable_empty_final_response"].bool_param


def test_steps_of_a_sequence_are_parameters() -> None:
    kind = replace(KIND, sequence=Sequences(steps=((0, 2),)))
    samples = [Sample(inputs=(X,), outputs=())]
    _, _, said, tensors = message(HttpRequests(kind, samples, "h:1").encode(0, 0, STEP))
    proto = v2.ModelInferRequest.FromString(GrpcRequests(kind, samples, False).encode(0, 0, STEP))

    expected = {"sequence_id": 7, "sequence_start": True, "sequence_end": False}
    assert said["parameters"] == {"priority": 2, "binary_data_output": True, **expected}
    assert tensors == X.data == proto.raw_input_contents[0]
    assert proto.parameters["sequence_id"].int64_param == 7
    assert proto.parameters["sequence_start"].bool_param
    assert not proto.parameters["sequence_end"].bool_param
    assert proto.parameters["priority"].int64_param == 2


@pytest.mark.parametrize(
    ("unique", "expected"),
    [
        (Unique(input="text", offset=4, count=4, text=True), b"\x04\0\0\0" + b"0513"),
        (Unique(input="text", offset=-2, count=2), b"\x04\0\0\0ab\x01\x02"),
        (Unique(input="text", offset=4, count=2, stride=2), b"\x04\0\0\0\x01b\x02d"),
    ],
)
def test_a_number_is_written_where_it_may_be(unique: Unique, expected: bytes) -> None:
    kind, samples = replace(KIND, unique=unique), [Sample(inputs=(X, TEXT, X), outputs=())]
    _, _, _, tensors = message(HttpRequests(kind, samples, "h:1").encode(0, 513, None))
    data = GrpcRequests(kind, samples, False).encode(0, 513, None)

    assert tensors == X.data + expected + X.data
    assert list(v2.ModelInferRequest.FromString(data).raw_input_contents) == [
        X.data,
        expected,
        X.data,
    ]


@pytest.mark.parametrize(
    "unique",
    [
        Unique(input="text", offset=5, count=4),
        Unique(input="text", offset=-9, count=1),
        Unique(input="text", count=3, stride=4),
        Unique(input="other", count=1),
    ],
)
def test_a_number_is_never_written_over_something_else(unique: Unique) -> None:
    samples = [Sample(inputs=(TEXT, X), outputs=())]
    with pytest.raises(ScenarioError, match="unique"):
        HttpRequests(replace(KIND, unique=unique), samples, "h:1")
    with pytest.raises(ScenarioError, match="unique"):
        GrpcRequests(replace(KIND, unique=unique), samples, False)


def test_a_header_can_not_smuggle_another() -> None:
    with pytest.raises(ScenarioError, match="line break"):
        HttpRequests(replace(KIND, headers={"a": "b\r\nc: d"}), [], "h:1")
    with pytest.raises(ScenarioError, match="line break"):
        GrpcRequests(replace(KIND, headers={"a": "b\r\nc: d"}), [], streams=False)
