"""Inference, metadata and health reach Triton and are answered by it; nothing else gets there."""

import socket

import grpc
import httpx
import pytest
from tests.integration.gateway.fleet import Fleet, Gateway
from tritonclient.grpc import service_pb2

pytestmark = [pytest.mark.server, pytest.mark.slow]

SERVICE = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
BODY = '{"inputs": [{"name": "X", "shape": [1, 1], "datatype": "FP32", "data": [[1]]}]}'

READ = [
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/add",
    "/v2/models/add/versions/1",
    "/v2/models/add/ready",
    "/v2/models/add/versions/1/ready",
    "/v2/models/add/config",
    "/v2/models/nope",
    "/v2/models/nope/ready",
]
INFER = [
    "/v2/models/add/infer",
    "/v2/models/add/versions/1/infer",
    "/v2/models/nope/infer",
]
STATISTICS = ["/v2/models/stats", "/v2/models/add/stats", "/v2/models/add/versions/1/stats"]
CONTROL = [
    "/v2/repository/index",
    "/v2/repository/models/add/load",
    "/v2/repository/models/add/unload",
    "/v2/trace/setting",
    "/v2/models/add/trace/setting",
    "/v2/models/add/versions/1/trace/setting",
    "/v2/logging",
    "/v2/systemsharedmemory/status",
    "/v2/systemsharedmemory/region/r/status",
    "/v2/systemsharedmemory/region/r/register",
    "/v2/systemsharedmemory/region/r/unregister",
    "/v2/systemsharedmemory/unregister",
    "/v2/cudasharedmemory/status",
    "/v2/cudasharedmemory/region/r/register",
    "/v2/cudasharedmemory/region/r/unregister",
    "/v2/cudasharedmemory/unregister",
]
TRICKS = [
    "//v2/repository/index",
    "/v2//repository/index",
    "/v2/./repository/index",
    "/./v2/repository/index",
    "/v2/models/../repository/index",
    "/v2/health/live/../../repository/index",
    "/v2/models/add/infer/../../../repository/index",
    "/v2/%72epository/index",
    "/v2%2frepository%2findex",
    "/v2/repository%2Findex",
    "/v2/health%2f..%2frepository/index",
    "/v2/health/..%2frepository/index",
    "/V2/repository/index",
    "/v2/Repository/index",
    "/v2/repository/index/",
    "/v2/repository/index?x=/v2/health/live",
    "/v2/repository/index;/v2/health/live",
    "/v2/repository/index#/v2/health/live",
    "/v2\\repository\\index",
    "/v2/models/add%2finfer/../../repository/index",
    "/v2/models/stats/",
    "/v2/models/st%61ts",
    "http://gateway/v2/repository/index",
    "http://gateway/v2/health/live/../../repository/index",
    "http://gateway//v2/repository/index",
    "*",
    "/",
    "/metrics",
    "/stats",
    "/health",
]


def raw(address: str, *lines: str) -> str:
    """Send a request as it is written and return the answer's first line."""
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.decode("utf-8", "replace")


def status(answer: str) -> int:
    return int(answer.split(" ", 2)[1])


def both(fleet: Fleet, gateway: Gateway, method: str, path: str, body: str = "") -> None:
    """Check that the gateway's answer is Triton's."""
    with httpx.Client(trust_env=False) as client:
        through, directly = (
            client.request(method, f"http://{address}{path}", content=body)
            for address in (gateway.http, fleet.replicas[0].http)
        )
    assert (through.status_code, through.text) == (directly.status_code, directly.text)


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_what_may_be_read_is_answered_by_triton(
    fleet: Fleet, plain: Gateway, method: str, path: str
) -> None:
    both(fleet, plain, method, path)


@pytest.mark.parametrize("path", INFER)
@pytest.mark.parametrize("body", [BODY, "", "no json"])
def test_inference_is_answered_by_triton(
    fleet: Fleet, plain: Gateway, path: str, body: str
) -> None:
    both(fleet, plain, "POST", path, body)


@pytest.mark.parametrize(("model", "kind"), [("add", "generate"), ("many", "generate_stream")])
def test_generating_passes(plain: Gateway, model: str, kind: str) -> None:
    answer = httpx.post(
        f"http://{plain.http}/v2/models/{model}/{kind}", content='{"X": [1]}', trust_env=False
    )
    assert answer.status_code == 200, answer.text
    assert answer.text.count('"Y"') == (3 if kind == "generate_stream" else 1)


@pytest.mark.parametrize("path", CONTROL)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_control_is_refused_as_triton_refuses(plain: Gateway, method: str, path: str) -> None:
    answer = httpx.request(method, f"http://{plain.http}{path}", content="{}", trust_env=False)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/json"
    assert "does not serve model control" in answer.json()["error"]


@pytest.mark.parametrize("path", STATISTICS)
def test_statistics_pass_only_where_the_spec_says_so(
    plain: Gateway, open_statistics: Gateway, path: str
) -> None:
    refused, passed = (
        httpx.get(f"http://{each.http}{path}", trust_env=False) for each in (plain, open_statistics)
    )
    assert (refused.status_code, list(refused.json())) == (403, ["error"])
    assert passed.status_code == 200
    assert passed.json()["model_stats"]


@pytest.mark.parametrize("target", TRICKS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_spelling_of_a_path_gets_around(plain: Gateway, method: str, target: str) -> None:
    answer = raw(plain.http, f"{method} {target} HTTP/1.1", "Host: gateway", "Content-Length: 0")
    assert status(answer) in {400, 403, 404}, answer
    assert '"error"' in answer or status(answer) == 400, "HAProxy's own page for what is no HTTP"


def test_the_gateway_takes_no_path_from_headers(plain: Gateway) -> None:
    headers = ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-HTTP-Method-Override"]
    lines = [f"{name}: /v2/repository/index" for name in headers]
    answer = raw(plain.http, "GET /v2/health/live HTTP/1.1", "Host: gateway", *lines)
    assert status(answer) == 200
    assert answer.endswith("\r\n\r\n")


def test_what_is_behind_a_question_mark_stays_at_the_gateway(plain: Gateway) -> None:
    answer = raw(plain.http, "GET http://x/v2/models/add?/v2/repository HTTP/1.1", "Host: x")
    assert status(answer) == 200
    assert '"name":"add"' in answer


def test_a_request_hidden_in_another_is_not_seen_by_triton(plain: Gateway) -> None:
    hidden = "POST /v2/repository/models/add/unload HTTP/1.1\r\nHost: x\r\n\r\n"
    two_lengths = ["POST /v2/models/add/infer HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"]
    raw(plain.http, *two_lengths, "Content-Length: 5", "", "0", "", hidden)
    raw(plain.http, "GET /v2 HTTP/1.1", "Host: x", "Content-Length: 0", "", hidden)
    assert httpx.get(f"http://{plain.http}/v2/models/add/ready", trust_env=False).is_success


def call(address: str, method: str, request: bytes = b"") -> tuple[grpc.StatusCode, str]:
    """Return how a call with bytes of our own ended; answers are not looked at."""
    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary(method)(request, timeout=10)
        except grpc.RpcError as error:
            return error.code(), error.details()
    return grpc.StatusCode.OK, ""


SERVED = {
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelConfig",
    "ModelInfer",
    "ModelStreamInfer",
}


@pytest.mark.parametrize("name", [each.name for each in SERVICE.methods])
def test_every_call_of_the_protocol_is_served_or_refused(
    fleet: Fleet, plain: Gateway, name: str
) -> None:
    method = f"/{SERVICE.full_name}/{name}"
    answer = call(plain.grpc, method)
    if name in SERVED:
        assert answer == call(fleet.replicas[0].grpc, method)
    else:
        assert answer == (
            grpc.StatusCode.PERMISSION_DENIED,
            "the gateway does not serve this call",
        )


def test_statistics_over_grpc_pass_only_where_the_spec_says_so(
    plain: Gateway, open_statistics: Gateway
) -> None:
    method = f"/{SERVICE.full_name}/ModelStatistics"
    assert call(plain.grpc, method)[0] is grpc.StatusCode.PERMISSION_DENIED
    assert call(open_statistics.grpc, method)[0] is grpc.StatusCode.OK


def test_the_usual_health_service_passes(plain: Gateway) -> None:
    assert call(plain.grpc, "/grpc.health.v1.Health/Check") == (grpc.StatusCode.OK, "")


@pytest.mark.parametrize(
    "method",
    [
        "/inference.GRPCInferenceService/ModelInfer/../RepositoryIndex",
        "/inference.GRPCInferenceService//RepositoryIndex",
        "/inference.GRPCInferenceService/Repository%49ndex",
        "/inference.grpcinferenceservice/RepositoryIndex",
        "/inference.GRPCInferenceService/ServerLive?/inference.GRPCInferenceService/RepositoryIndex",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/other.Service/Call",
    ],
)
def test_no_spelling_of_a_call_gets_around(plain: Gateway, method: str) -> None:
    code, _ = call(plain.grpc, method)
    assert code in {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED}
