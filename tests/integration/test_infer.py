"""The client and `tritongen infer` against a real server with small Python models."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritongen.errors import SpecError
from tritongen.parts.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.stages.run import run
from tritongen.triton import Protocol, Request, Triton, TritonError, UnreachableError

pytestmark = pytest.mark.server

TYPES = {
    "BOOL": np.array([[True, False, True]]),
    "UINT8": np.array([[0, 1, 255]], np.uint8),
    "UINT16": np.array([[0, 1, 65535]], np.uint16),
    "UINT32": np.array([[0, 1, 2**32 - 1]], np.uint32),
    "UINT64": np.array([[0, 1, 2**64 - 1]], np.uint64),
    "INT8": np.array([[-128, 0, 127]], np.int8),
    "INT16": np.array([[-(2**15), 0, 2**15 - 1]], np.int16),
    "INT32": np.array([[-(2**31), 0, 2**31 - 1]], np.int32),
    "INT64": np.array([[-(2**63), 0, 2**63 - 1]], np.int64),
    "FP16": np.array([[-0.5, 0, 65504]], np.float16),
    "FP32": np.array([[-0.1, np.inf, np.finfo(np.float32).max]], np.float32),
    "FP64": np.array([[-0.1, 5e-324, 1e308]], np.float64),
    "BYTES": np.array([[b"", b"a\0b\0", bytes(range(256))]], object),
}

MODELS = {
    # Answers every input that was sent with the output of the same type.
    "identity": "return [pb.Tensor('OUT_' + t.name()[3:], t.as_numpy()) for t in r.inputs()]",
    "scores": "return [pb.Tensor('SCORES', get(r, 'X') * 2)]",
    "upper": "return [pb.Tensor('SHOUT', np.char.upper(get(r, 'TEXT').astype('S')).astype(object))]",
    "parameters": "return [pb.Tensor('SAID', np.array([r.parameters().encode()], object))]",
    "broken": "raise ValueError('the model fell over')",
    "slow": "time.sleep(float(get(r, 'SECONDS')[0])); return [pb.Tensor('DONE', get(r, 'SECONDS'))]",
}

SOURCE = """
import time
import numpy as np
import triton_python_backend_utils as pb

def get(r, name):
    return pb.get_input_tensor_by_name(r, name).as_numpy()

def answer(r):
    {body}

class TritonPythonModel:
    def execute(self, requests):
        return [self.one(r) for r in requests]

    def one(self, r):
        try:
            return pb.InferenceResponse(answer(r))
        except ValueError as error:
            return pb.InferenceResponse([], pb.TritonError(str(error)))
"""

COUNT = """
import numpy as np
import triton_python_backend_utils as pb

class TritonPythonModel:
    def execute(self, requests):
        for r in requests:
            n = int(pb.get_input_tensor_by_name(r, "N").as_numpy()[0])
            sender = r.get_response_sender()
            for i in range(abs(n)):
                tensor = pb.Tensor("I", np.array([i], np.int32))
                sender.send(pb.InferenceResponse([tensor]))
            if n < 0:
                sender.send(pb.InferenceResponse([], pb.TritonError("below zero")))
            sender.send(flags=pb.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
"""


def io(kind: str, name: str, data_type: str, dims: str, more: str = "") -> str:
    return f'{kind} {{ name: "{name}" data_type: TYPE_{data_type} dims: {dims} {more} }}\n'


def every_type() -> str:
    names = [name.replace("BYTES", "STRING") for name in TYPES]
    return "".join(
        io("input", f"IN_{name}", name, "[-1, 3]", "optional: true")
        + io("output", f"OUT_{name}", name, "[-1, 3]")
        for name in names
    )


CONFIGS = {
    "identity": every_type(),
    "scores": "max_batch_size: 8\n"
    + io("input", "X", "FP32", "[3]")
    + io("output", "SCORES", "FP32", "[3]", 'label_filename: "labels.txt"'),
    "upper": "max_batch_size: 8\n"
    + io("input", "TEXT", "STRING", "[1]")
    + io("output", "SHOUT", "STRING", "[1]"),
    "parameters": io("input", "X", "FP32", "[1]") + io("output", "SAID", "STRING", "[1]"),
    "broken": io("input", "X", "FP32", "[1]") + io("output", "Y", "FP32", "[1]"),
    "slow": io("input", "SECONDS", "FP32", "[1]") + io("output", "DONE", "FP32", "[1]"),
    "count": "model_transaction_policy { decoupled: true }\n"
    + io("input", "N", "INT32", "[1]")
    + io("output", "I", "INT32", "[1]"),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("infer") / "models"
    for name, config in CONFIGS.items():
        version = root / name / "1"
        version.mkdir(parents=True)
        source = SOURCE.format(body=MODELS[name]) if name in MODELS else COUNT
        (version / "model.py").write_text(source)
        (root / name / "config.pbtxt").write_text(f'name: "{name}"\nbackend: "python"\n{config}')
    (root / "scores" / "labels.txt").write_text("cat\ndog\nbird\n")
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def endpoint(repository: Path, root: Path) -> Iterator[Endpoint]:
    serving = Serving(
        root=root,
        repository=repository,
        release=releases()[RELEASE],
        environment=os.environ,
        options=("--model-control-mode=explicit", "--load-model=*"),
        auto_complete=False,
        usual_ports=False,
    )
    with run(serving) as endpoint:
        yield endpoint


@pytest.fixture
def triton(endpoint: Endpoint) -> Iterator[Triton]:
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as client:
        yield client


class TestControl:
    def test_a_running_server_is_live_and_ready(self, triton: Triton) -> None:
        assert triton.live()
        assert triton.ready()

    def test_the_index_has_every_model_with_version_and_state(self, triton: Triton) -> None:
        states = {row.name: (row.version, row.state) for row in triton.index()}
        assert states == dict.fromkeys(CONFIGS, ("1", "READY"))
        assert set(triton.index(protocol="http")) == set(triton.index())

    def test_metadata_has_full_shapes(self, triton: Triton) -> None:
        metadata = triton.metadata("scores")
        assert metadata.versions == ("1",)
        assert [(t.name, t.datatype, t.shape) for t in metadata.inputs] == [("X", "FP32", (-1, 3))]

    def test_config_is_the_protobuf(self, triton: Triton) -> None:
        config = triton.config("scores")
        assert config.max_batch_size == 8
        assert config.output[0].label_filename == "labels.txt"
        assert triton.config("scores", protocol="http") == config

    def test_a_load_with_a_config_replaces_it_and_can_be_taken_back(self, triton: Triton) -> None:
        before = triton.config("slow")
        changed = triton.config("slow")
        changed.dynamic_batching.max_queue_delay_microseconds = 7
        changed.max_batch_size = 2
        try:
            triton.load("slow", changed)
            assert triton.config("slow").max_batch_size == 2
            assert triton.config("slow").dynamic_batching.max_queue_delay_microseconds == 7
        finally:
            triton.load("slow", before)
        assert triton.config("slow") == before

    def test_an_unloaded_model_is_not_ready_until_it_is_loaded(self, triton: Triton) -> None:
        triton.unload("upper")
        try:
            with pytest.raises(TritonError):
                triton.metadata("upper")
        finally:
            triton.load("upper")
        assert triton.metadata("upper").versions == ("1",)

    def test_loading_an_unknown_model_carries_tritons_text(self, triton: Triton) -> None:
        with pytest.raises(TritonError, match="failed to load 'nowhere'") as caught:
            triton.load("nowhere")
        assert caught.value.code == "INTERNAL"

    def test_statistics_count_rows_and_executions(self, triton: Triton) -> None:
        (before,) = triton.statistics("scores")
        triton.infer(Request(model="scores", inputs={"X": np.zeros((5, 3), np.float32)}))
        (after,) = triton.statistics("scores")
        assert after.inference_count - before.inference_count == 5
        assert after.execution_count - before.execution_count == 1
        assert after.batches[5] - before.batches.get(5, 0) == 1
        assert after.success_count - before.success_count == 1
        assert {row.name for row in triton.statistics()} == set(CONFIGS)

    def test_nobody_at_the_address_is_said_with_a_remedy(self, unused_address: str) -> None:
        with Triton(grpc=unused_address, http=unused_address) as nobody:
            assert not nobody.live()
            assert not nobody.ready()
            with pytest.raises(UnreachableError, match="no Triton answers") as caught:
                nobody.index()
            assert "tritongen up" in caught.value.fix
            for protocol in PROTOCOLS:
                with pytest.raises(UnreachableError):
                    nobody.infer(Request(model="m", inputs={}), protocol=protocol)


PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http")


@pytest.fixture
def unused_address() -> str:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
class TestInference:
    def test_every_type_comes_back_as_it_was_sent(self, triton: Triton, protocol: Protocol) -> None:
        for name, array in TYPES.items():
            tensor = name.replace("BYTES", "STRING")
            request = Request(
                model="identity", inputs={f"IN_{tensor}": array}, outputs=[f"OUT_{tensor}"]
            )
            response = triton.infer(request, protocol=protocol)
            answer = response.outputs[f"OUT_{tensor}"]
            assert response.datatypes == {f"OUT_{tensor}": name}
            assert answer.dtype == array.dtype
            assert answer.shape == array.shape
            assert answer.tolist() == array.tolist()

    def test_no_rows_are_sent_and_come_back(self, triton: Triton, protocol: Protocol) -> None:
        inputs = {
            "IN_FP32": np.zeros((0, 3), np.float32),
            "IN_STRING": np.zeros((0, 3), object),
        }
        outputs = ["OUT_FP32", "OUT_STRING"]
        request = Request(model="identity", inputs=inputs, outputs=outputs)
        response = triton.infer(request, protocol=protocol)
        assert [response.outputs[name].shape for name in outputs] == [(0, 3), (0, 3)]

    def test_an_array_of_foreign_byte_order_or_strides_is_sent_by_value(
        self, triton: Triton, protocol: Protocol
    ) -> None:
        array = np.arange(12, dtype=">f4").reshape(4, 3)[::2]
        request = Request(model="identity", inputs={"IN_FP32": array}, outputs=["OUT_FP32"])
        answer = triton.infer(request, protocol=protocol).outputs["OUT_FP32"]
        assert answer.tolist() == [[0, 1, 2], [6, 7, 8]]

    def test_an_array_that_triton_has_no_type_for_is_refused_in_words(
        self, triton: Triton, protocol: Protocol
    ) -> None:
        request = Request(model="identity", inputs={"IN_FP32": np.zeros((1, 3), complex)})
        with pytest.raises(SpecError, match="IN_FP32: an array of complex128 cannot be sent"):
            triton.infer(request, protocol=protocol)

    def test_parameters_reach_the_model(self, triton: Triton, protocol: Protocol) -> None:
        said = {"a": 1, "b": "two", "c": True}
        request = Request(
            model="parameters", inputs={"X": np.zeros(1, np.float32)}, parameters=said
        )
        (answer,) = triton.infer(request, protocol=protocol).outputs["SAID"]
        assert json.loads(answer) == said

    def test_classes_come_with_their_labels(self, triton: Triton, protocol: Protocol) -> None:
        x = np.array([[1, 3, 2]], np.float32)
        request = Request(
            model="scores", inputs={"X": x}, outputs=["SCORES"], classes={"SCORES": 2}
        )
        response = triton.infer(request, protocol=protocol)
        assert response.outputs["SCORES"].tolist() == [[b"6.000000:1:dog", b"4.000000:2:bird"]]

    def test_a_failing_model_says_why(self, triton: Triton, protocol: Protocol) -> None:
        request = Request(model="broken", inputs={"X": np.zeros(1, np.float32)})
        with pytest.raises(TritonError, match="the model fell over") as caught:
            triton.infer(request, protocol=protocol)
        assert caught.value.code == "INTERNAL"

    def test_an_unknown_model_is_not_found(self, triton: Triton, protocol: Protocol) -> None:
        with pytest.raises(TritonError, match="nowhere") as caught:
            triton.infer(Request(model="nowhere", inputs={}), protocol=protocol)
        assert caught.value.code == "NOT_FOUND"

    def test_an_answer_that_does_not_come_in_time_is_given_up(
        self, triton: Triton, protocol: Protocol
    ) -> None:
        request = Request(model="slow", inputs={"SECONDS": np.array([1.5], np.float32)})
        with pytest.raises(TritonError, match="within 0.3 s") as caught:
            triton.infer(request, protocol=protocol, timeout_s=0.3)
        assert caught.value.code == "DEADLINE_EXCEEDED"


class TestStreams:
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_a_decoupled_model_answers_none_one_or_many(self, triton: Triton, count: int) -> None:
        answers = list(
            triton.stream(Request(model="count", inputs={"N": np.array([count], np.int32)}))
        )
        assert [answer.outputs["I"].tolist() for answer in answers] == [[i] for i in range(count)]
        assert [answer.time_ms for answer in answers] == sorted(a.time_ms for a in answers)

    def test_a_model_that_answers_once_can_be_streamed_too(self, triton: Triton) -> None:
        x = np.ones((1, 3), np.float32)
        (answer,) = triton.stream(Request(model="scores", inputs={"X": x}))
        assert answer.outputs["SCORES"].tolist() == [[2, 2, 2]]

    def test_an_error_ends_the_stream_with_tritons_text(self, triton: Triton) -> None:
        answers: list[Any] = []
        with pytest.raises(TritonError, match="below zero"):
            for answer in triton.stream(
                Request(model="count", inputs={"N": np.array([-1], np.int32)})
            ):
                answers.append(answer)
        assert len(answers) <= 1

    def test_a_decoupled_model_refuses_a_plain_request(self, triton: Triton) -> None:
        request = Request(model="count", inputs={"N": np.array([1], np.int32)})
        for protocol in PROTOCOLS:
            with pytest.raises(TritonError, match="decoupled") as caught:
                triton.infer(request, protocol=protocol)
            assert caught.value.code == "UNIMPLEMENTED"
