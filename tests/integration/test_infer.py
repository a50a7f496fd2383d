"""The client and `tritongen infer` against a real server with small Python models."""

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tritongen.cli import main
from tritongen.errors import SpecError
from tritongen.parts.engines.embedded import RELEASE, Serving
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
    "upper": "return [pb.Tensor('SHOUT', np.vectorize(bytes.upper, [object])(get(r, 'TEXT')))]",
    "parameters": "return [pb.Tensor('SAID', np.array([r.parameters().encode()], object))]",
    "broken": "raise ValueError('the model fell over')",
    "slow": "time.sleep(get(r, 'SECONDS').item()); return [pb.Tensor('DONE', get(r, 'SECONDS'))]",
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


def declared(kind: str, name: str, data_type: str, dims: str, more: str = "") -> str:
    return f'{kind} {{ name: "{name}" data_type: TYPE_{data_type} dims: {dims} {more} }}\n'


def every_type() -> str:
    names = [name.replace("BYTES", "STRING") for name in TYPES]
    return "".join(
        declared("input", f"IN_{name}", name, "[-1, 3]", "optional: true")
        + declared("output", f"OUT_{name}", name, "[-1, 3]")
        for name in names
    )


CONFIGS = {
    "identity": every_type(),
    "scores": "max_batch_size: 8\n"
    + declared("input", "X", "FP32", "[3]")
    + declared("output", "SCORES", "FP32", "[3]", 'label_filename: "labels.txt"'),
    "upper": "max_batch_size: 8\n"
    + declared("input", "TEXT", "STRING", "[1]")
    + declared("output", "SHOUT", "STRING", "[1]"),
    "parameters": declared("input", "X", "FP32", "[1]")
    + declared("output", "SAID", "STRING", "[1]"),
    "broken": declared("input", "X", "FP32", "[1]") + declared("output", "Y", "FP32", "[1]"),
    "slow": declared("input", "SECONDS", "FP32", "[1]") + declared("output", "DONE", "FP32", "[1]"),
    "count": "model_transaction_policy { decoupled: true }\n"
    + declared("input", "N", "INT32", "[1]")
    + declared("output", "I", "INT32", "[1]"),
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


def below_zero(count: int) -> Any:
    return np.array([-count], np.int32)


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
        with pytest.raises(TritonError, match=r"within 0\.3 s") as caught:
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
        answers = triton.stream(Request(model="count", inputs={"N": np.array([-2], np.int32)}))
        assert [next(answers).outputs["I"].item() for _ in range(2)] == [0, 1]
        with pytest.raises(TritonError, match="below zero"):
            next(answers)

    def test_the_server_outlives_errors_and_abandoned_streams(self, triton: Triton) -> None:
        # It crashed where errors were asked for with their code (`triton_grpc_error`).
        for count in range(12):
            with pytest.raises(TritonError):
                list(triton.stream(Request(model="count", inputs={"N": below_zero(count + 1)})))
            abandoned = triton.stream(Request(model="count", inputs={"N": below_zero(100)}))
            next(abandoned)
            abandoned.close()
        assert triton.live()

    def test_a_decoupled_model_refuses_a_plain_request(self, triton: Triton) -> None:
        request = Request(model="count", inputs={"N": np.array([1], np.int32)})
        for protocol in PROTOCOLS:
            with pytest.raises(TritonError, match="decoupled") as caught:
                triton.infer(request, protocol=protocol)
            assert caught.value.code == "UNIMPLEMENTED"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Infer = Callable[..., Ran]


@pytest.fixture
def infer(
    endpoint: Endpoint,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Infer:
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr("sys.argv", ["tritongen", "infer", "-o", str(root), *arguments])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return go


class TestCommand:
    def test_a_value_is_sent_to_the_projects_server(self, infer: Infer) -> None:
        ran = infer("scores", "--input", "X=1,2,3")
        assert ran.code == 0
        assert re.search(r"SCORES +FP32 +\[1, 3\] +2, 4, 6", ran.out)
        assert re.search(r"\d ms, scores version 1", ran.out)
        assert "--classes" in ran.err
        assert "\x1b" not in ran.out + ran.err

    def test_without_input_valid_input_is_generated_and_said(self, infer: Infer) -> None:
        runs = [infer("scores", "--batch", "2", "--json") for _ in range(2)]
        assert [ran.code for ran in runs] == [0, 0], runs
        first, second = (json.loads(ran.out) for ran in runs)
        assert first["outputs"] == second["outputs"]
        assert first["outputs"][0]["shape"] == [2, 3]
        assert "it was generated" in runs[0].err

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_url_is_enough(self, infer: Infer, endpoint: Endpoint, protocol: str) -> None:
        url = endpoint.grpc if protocol == "grpc" else endpoint.http
        ran = infer("scores", "--url", url, "--protocol", protocol, "--input", "X=1,2,3", "--json")
        assert json.loads(ran.out)["outputs"] == [
            {"name": "SCORES", "datatype": "FP32", "shape": [1, 3], "data": [2, 4, 6]}
        ]

    def test_json_with_a_file_is_the_body_and_alone_the_answer(
        self, infer: Infer, tmp_path: Path
    ) -> None:
        body = {
            "inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [1, 3, 2]}],
            "outputs": [{"name": "SCORES", "parameters": {"classification": 1}}],
        }
        (tmp_path / "body.json").write_text(json.dumps(body))
        for arguments in (
            ["scores", "--json", "body.json", "--json"],
            ["--json", "--json", "body.json", "scores"],
            ["--json=body.json", "scores", "--json"],
        ):
            (output,) = json.loads(infer(*arguments).out)["outputs"]
            assert output["data"] == ["6.000000:1:dog"]
        assert "SCORES" in infer("scores", "--json", "-", stdin=b'{"X": [1, 2, 3]}').out
        assert json.loads(infer("--json", "scores", "--input", "X=1,2,3").out)["time_ms"] > 0

    def test_files_are_rows_of_raw_bytes_in_order(self, infer: Infer, tmp_path: Path) -> None:
        for name in ("b.json", "a.npy"):
            (tmp_path / name).write_bytes(name.encode())
        ran = infer("upper", "--input", "TEXT=@*.*", "--input", "TEXT=last", "--json")
        (output,) = json.loads(ran.out)["outputs"]
        assert output["data"] == ["A.NPY", "B.JSON", "LAST"]

    def test_classes_are_shown_with_their_labels(self, infer: Infer) -> None:
        ran = infer("scores", "--input", "X=1,3,2", "--classes", "2")
        assert "dog 6, bird 4" in ran.out

    def test_outputs_are_saved_to_be_sent_again(self, infer: Infer, tmp_path: Path) -> None:
        infer("scores", "--input", "X=1,2,3", "--save", "out")
        assert np.load(tmp_path / "out" / "SCORES.npy").tolist() == [[2, 4, 6]]
        ran = infer("scores", "--input", "X=@out/SCORES.npy", "--json")
        assert json.loads(ran.out)["outputs"][0]["data"] == [4, 8, 12]

    def test_a_decoupled_model_shows_every_answer(self, infer: Infer) -> None:
        assert "3 responses" in infer("count", "--input", "N=3").out
        answers = json.loads(infer("count", "--input", "N=3", "--json").out)["responses"]
        assert [answer["outputs"][0]["data"] for answer in answers] == [[0], [1], [2]]
        assert json.loads(infer("count", "--input", "N=0", "--json").out) == {"responses": []}

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["scores", "--input", "Y=1"], 2, "scores has no input 'Y'"),
            (["scores", "--input", "X=1,2"], 2, r"\[2\] does not fit \[1..8, 3\]"),
            (["scores", "--input", "X=a"], 2, '"a" is no number, as FP32 wants it'),
            (["scores", "--input", "X"], 2, "no value"),
            (["scores", "--input", "X=@gone.npy"], 2, "gone.npy: No such file"),
            (["scores", "--json", "gone.json"], 2, "gone.json: No such file"),
            (["scores", "--input", "X=1,2,3", "--output", "SCORE"], 2, "did you mean 'SCORES'"),
            (["scores", "--batch", "9"], 2, "9 rows are more than scores takes"),
            (["broken", "--batch", "2"], 2, "broken takes no batches"),
            (["score"], 2, "did you mean 'scores'"),
            (["scores", "--model-version", "9"], 2, "no version '9'"),
            (["scores", "--request-parameter", "triton_a=1"], 2, "Triton's own"),
            (["count", "--protocol", "http"], 2, "--protocol grpc"),
            (["scores", "--url", "nonsense"], 2, "no HOST:PORT"),
            (["scores", "--header", "Bearer KEY"], 2, "--header: no name"),
            (["scores", "--header", "x y: 1"], 2, "--header: no name"),
            (["scores", "--header", "x: 1\n2"], 2, "--header x: no value that can be sent"),
            (["broken"], 6, "the model fell over"),
            (["slow", "--input", "SECONDS=2", "--timeout", "0.2"], 6, "no answer from .* 0.2 s"),
        ],
    )
    def test_what_can_not_be_done_is_said(
        self, infer: Infer, arguments: list[str], code: int, said: str
    ) -> None:
        ran = infer(*arguments)
        assert ran.code == code
        assert re.search(said, ran.err)
        assert "Traceback" not in ran.err
        assert ran.out == ""

    def test_no_server_is_said_with_the_way_to_one(
        self, infer: Infer, unused_address: str, tmp_path: Path
    ) -> None:
        for arguments in (["--url", unused_address], ["-o", str(tmp_path)]):
            ran = infer("scores", *arguments)
            assert ran.code == 6
            assert "tritongen up" in ran.err

    def test_a_model_that_is_not_ready_is_told_from_an_unknown_one(
        self, infer: Infer, triton: Triton
    ) -> None:
        triton.unload("upper")
        try:
            ran = infer("upper")
        finally:
            triton.load("upper")
        assert ran.code == 6
        assert re.search("upper is not ready: (UNLOADING|UNAVAILABLE unloaded)", ran.err)
        assert "ready here: broken, count" in ran.err
