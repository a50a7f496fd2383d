"""What is sent over each protocol, and what is made of the answers."""

import json
from typing import Any

import pytest
from tests.integration.conftest import Serve
from tests.integration.load.conftest import Load, Write

from tritongen.triton import Triton

pytestmark = pytest.mark.server

PROTOCOLS = ("http", "grpc", "grpc-stream")

COUNTS = """
import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            for i in range(3):
                y = np.array([[i]], dtype=np.float32)
                sender.send(pb.InferenceResponse([pb.Tensor("Y", y)]))
            sender.send(flags=pb.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
"""

# Answers how many requests of its sequence came before, from what START and CORRID say.
STEPS = """
import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args):
        self.seen = {}

    def execute(self, requests):
        responses = []
        for request in requests:
            get = lambda name: pb.get_input_tensor_by_name(request, name).as_numpy().ravel()[0]
            id, start, end = get("CORRID"), get("START"), get("END")
            assert bool(start) == (id not in self.seen), "out of order"
            self.seen[id] = self.seen.get(id, -1) + 1
            y = np.array([[self.seen[id]]], dtype=np.float32)
            if end:
                del self.seen[id]
            responses.append(pb.InferenceResponse([pb.Tensor("Y", y)]))
        return responses
"""
SEQUENCES = """
sequence_batching {
  max_sequence_idle_microseconds: 5000000
  oldest { max_candidate_sequences: 8 }
  control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [0, 1] } }
  control_input { name: "END" control { kind: CONTROL_SEQUENCE_END int32_false_true: [0, 1] } }
  control_input {
    name: "CORRID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 }
  }
}
"""


def kind(**said: Any) -> list[dict[str, Any]]:
    return [{"name": "adds", "model": "adds", "payload": "x.npz", **said}]


def test_answers_are_counted_over_every_protocol(serve: Serve, load: Load, adding: Write) -> None:
    endpoint = serve(adding())
    tensor = {"datatype": "FP32", "shape": [1, -1]}
    requests = kind(version="1", expect={"outputs": {"Y": tensor}, "answers": True})
    for protocol in PROTOCOLS:
        ran = load.say(endpoint, protocol, requests=requests).run()

        assert ran.code == 0, ran.output
        total = ran.results["total"]
        assert total["answered"] == total["offered"] == total["latency_us"]["count"] > 10
        assert total["failures"] == []
        assert ran.results["partial"] is None


def test_what_differs_from_what_is_expected_has_failed(
    serve: Serve, load: Load, adding: Write
) -> None:
    endpoint = serve(adding())
    load.payload("wrong.npz", add=2)
    requests = [
        *kind(expect={"outputs": {"Y": {"datatype": "FP32", "shape": [1, 3]}}}),
        *kind(name="type", expect={"outputs": {"Y": {"datatype": "INT32", "shape": [1, 4]}}}),
        *kind(name="gone", expect={"outputs": {"Z": {"datatype": "FP32", "shape": [1, 4]}}}),
        *kind(name="value", payload="wrong.npz", expect={"outputs": {}, "answers": True}),
        *kind(name="fine", payload="wrong.npz"),
    ]
    for protocol in PROTOCOLS:
        results = load.say(endpoint, protocol, requests=requests).run().results["requests"]

        (shape,) = results["adds"]["failures"]
        assert shape["kind"] == "shape"
        assert shape["message"] == "output 'Y' is FP32[1, 4], not FP32[1, 3]"
        assert results["type"]["failures"][0]["message"].startswith("output 'Y' is FP32[1, 4], not")
        assert results["gone"]["failures"][0]["message"] == "output 'Z' is missing"
        (value,) = results["value"]["failures"]
        assert (value["kind"], value["count"]) == ("answer", results["value"]["failed"])
        assert results["fine"]["answered"] == results["fine"]["offered"] > 0


def test_failures_are_told_apart(serve: Serve, load: Load, adding: Write) -> None:
    adding("slow", "time.sleep(0.6) or x")
    endpoint = serve(adding())
    requests = [
        *kind(name="unknown", model="nobody"),
        *kind(name="slow", model="slow", timeout_s=0.2),
    ]
    for protocol, refused in zip(PROTOCOLS, ("http", "grpc", "grpc"), strict=True):
        results = load.say(endpoint, protocol, requests=requests).run().results["requests"]

        unknown = results["unknown"]["failures"][0]
        assert unknown["kind"] == refused
        assert unknown["code"] == {"http": "404", "grpc": "NOT_FOUND", "grpc-stream": ""}[protocol]
        assert "nobody" in unknown["message"]
        (slow,) = results["slow"]["failures"]
        assert (slow["kind"], slow["count"]) == ("timeout", results["slow"]["failed"])
        assert results["slow"]["latency_us"] is None
        assert results["slow"]["failed_us"]["min"] >= 200_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_is_not_there_is_said(load: Load, protocol: str) -> None:
    arrivals = {"law": "constant", "stages": [{"from": 10, "to": 10, "seconds": 1}]}
    ran = load.say("127.0.0.1:9", protocol, arrivals=arrivals).run()

    assert ran.code == 0, ran.output
    total = ran.results["total"]
    assert total["failed"] == total["offered"] == 10
    assert {failure["kind"] for failure in total["failures"]} == {"connection"}


def test_every_response_of_a_stream_is_timed(serve: Serve, load: Load, adding: Write) -> None:
    repository = adding("counts", "x", "model_transaction_policy { decoupled: true }")
    (repository / "counts" / "1" / "model.py").write_text(COUNTS)
    requests = kind(
        model="counts", expect={"outputs": {"Y": {"datatype": "FP32", "shape": [1, 1]}}}
    )
    ran = load.say(serve(repository), "grpc-stream", requests=requests).run()

    total = ran.results["total"]
    assert total["answered"] == total["offered"] > 0, total["failures"]
    assert total["responses"] == 3 * total["answered"]
    assert total["first_response_us"]["count"] == total["answered"]
    assert total["between_responses_us"]["count"] == 2 * total["answered"]
    assert total["first_response_us"]["p50"] <= total["latency_us"]["p50"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("law", ["closed", "poisson"])
def test_sequences_are_sent_in_order(
    serve: Serve, load: Load, adding: Write, protocol: str, law: str
) -> None:
    repository = adding("steps", "x", SEQUENCES)
    (repository / "steps" / "1" / "model.py").write_text(STEPS)
    endpoint = serve(repository)
    level = 3 if law == "closed" else 60
    ran = load.say(
        endpoint,
        protocol,
        max_in_flight=3,
        arrivals={"law": law, "stages": [{"from": level, "to": level, "seconds": 1}]},
        requests=kind(model="steps", sequence={"steps": [[0, 1], [0, 2], [1, 4]]}),
    ).run("--processes", "2")

    total = ran.results["total"]
    assert total["answered"] == total["offered"] > 30, total["failures"]


def test_unique_requests_are_never_answered_by_a_cache(
    serve: Serve, load: Load, adding: Write
) -> None:
    repository = adding("adds", "x + 1", "response_cache { enable: true }")
    endpoint = serve(repository, "--cache-config=local,size=1048576")

    def hits(**said: Any) -> tuple[int, int]:
        with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
            (before,) = triton.statistics("adds")
            ran = load.say(endpoint, requests=kind(**said)).run()
            (after,) = triton.statistics("adds")
        assert ran.results["total"]["failed"] == 0
        return after.execution_count - before.execution_count, ran.results["total"]["offered"]

    executed, sent = hits()
    assert executed <= 3 < sent
    for unique in (
        {"input": "X", "count": 4, "stride": 4},
        {"input": "X", "count": 3, "offset": -4},
    ):
        executed, sent = hits(unique=unique)
        assert executed >= sent


def test_outputs_parameters_and_headers_reach_the_server(
    serve: Serve, load: Load, adding: Write
) -> None:
    code = "np.full((1, 5), float('b' in request.parameters()), np.float32)"
    endpoint = serve(adding("adds", code), "--http-header-forward-pattern=x-.*")
    said = {
        "outputs": [{"name": "Y", "parameters": {"classification": 2}}],
        "parameters": {"a": 1, "b": "two", "c": True},
        "expect": {"outputs": {"Y": {"datatype": "BYTES", "shape": [1, 2]}}},
    }
    for protocol in PROTOCOLS:
        results = load.say(endpoint, protocol, headers={"X-A": "1"}, requests=kind(**said)).run()

        total = results.results["total"]
        assert total["answered"] == total["offered"] > 0, json.dumps(total["failures"])
