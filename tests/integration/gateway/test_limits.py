"""Size, rate, compression, and what would end a Triton is taken off requests."""

import gzip
import json
import time
from collections.abc import Callable, Iterator

import grpc
import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tests.integration.gateway.conftest import Start
from tests.integration.gateway.fleet import Fleet, Gateway
from tests.integration.gateway.test_what_passes import BODY, raw, status
from tritonclient.utils import InferenceServerException

pytestmark = [pytest.mark.server, pytest.mark.slow]

MiB = 1 << 20


@pytest.fixture(scope="module")
def small(start: Start) -> Iterator[Gateway]:
    """A gateway that takes requests of 1 MiB and can send 64 KiB again."""
    with start({"max_request_size": "1MiB", "retry_size": "64KiB", "compression": True}) as gateway:
        yield gateway


def body(size: int) -> bytes:
    """Return a good request for `add` of exactly so many bytes."""
    request = json.dumps(
        {"inputs": [{"name": "X", "shape": [1, 1], "datatype": "FP32", "data": [[1]]}]}
    )
    return request.encode() + b" " * (size - len(request))


def infer(gateway: Gateway, content: bytes, **headers: str) -> httpx.Response:
    url = f"http://{gateway.http}/v2/models/add/infer"
    return httpx.post(url, content=content, headers=headers, trust_env=False, timeout=30)


def call(gateway: Gateway, model: str = "add", numbers: int = 1, **more: object) -> np.ndarray:
    x = triton_grpc.InferInput("X", [1, numbers], "FP32")
    x.set_data_from_numpy(np.ones((1, numbers), np.float32))
    with triton_grpc.InferenceServerClient(gateway.grpc) as client:
        return np.asarray(client.infer(model, [x], **more).as_numpy("Y"))


def test_a_request_of_just_the_size_passes_and_a_byte_more_does_not(small: Gateway) -> None:
    assert infer(small, body(MiB)).status_code == 200
    refused = infer(small, body(MiB + 1))
    assert refused.status_code == 413
    assert refused.json() == {"error": "the request is larger than 1048576 bytes"}


def test_a_body_without_a_length_passes_as_far_as_it_can_be_counted(small: Gateway) -> None:
    def post(size: int) -> httpx.Response:
        url = f"http://{small.http}/v2/models/add/infer"
        parts = (body(size)[start : start + 1000] for start in range(0, size, 1000))
        return httpx.post(url, content=parts, trust_env=False, timeout=30)

    assert post(60_000).status_code == 200
    refused = post(200_000)
    assert refused.status_code == 411
    assert "content-length" in refused.json()["error"]


def test_what_is_no_inference_is_limited_too(small: Gateway) -> None:
    url = f"http://{small.http}/v2/models/add/config"
    parts = (b"x" * 1000 for _ in range(200))
    assert httpx.post(url, content=parts, trust_env=False).status_code == 411
    assert httpx.post(url, content=b"x" * (MiB + 1), trust_env=False).status_code == 413


@pytest.mark.parametrize("numbers", [MiB // 4, 10 * MiB])
def test_a_call_of_the_size_passes_and_a_larger_one_does_not(small: Gateway, numbers: int) -> None:
    assert (call(small, numbers=MiB // 4 - 100) == 2).all()
    with pytest.raises(InferenceServerException) as refused:
        call(small, numbers=numbers)
    assert refused.value.status() == "StatusCode.RESOURCE_EXHAUSTED"
    assert "larger than 1048576 bytes" in str(refused.value.message())


def test_compressed_requests_pass_only_where_the_spec_says_so(
    plain: Gateway, small: Gateway
) -> None:
    packed = gzip.compress(BODY.encode())
    assert infer(small, packed, **{"content-encoding": "gzip"}).status_code == 200
    assert infer(plain, packed, **{"content-encoding": "gzip"}).status_code == 415
    assert infer(plain, BODY.encode(), **{"content-encoding": "identity"}).status_code == 200
    assert (call(small, compression_algorithm="gzip") == 2).all()
    with pytest.raises(InferenceServerException) as refused:
        call(plain, compression_algorithm="gzip")
    assert refused.value.status() == "StatusCode.UNIMPLEMENTED"


def test_answers_are_compressed_as_triton_does(plain: Gateway) -> None:
    answer = infer(plain, BODY.encode(), **{"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["outputs"][0]["data"] == [2.0]


def test_a_client_that_sends_too_often_is_refused_over_both_protocols(start: Start) -> None:
    with start({"rate_limit": "1/s"}) as gateway:  # ten in ten seconds
        answers = [infer(gateway, BODY.encode()) for _ in range(10)]
        assert {each.status_code for each in answers} == {200}
        refused = infer(gateway, BODY.encode())
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "10"
        assert "error" in refused.json()
        with pytest.raises(InferenceServerException) as called:
            call(gateway)
        assert called.value.status() == "StatusCode.RESOURCE_EXHAUSTED"
        assert httpx.get(f"http://{gateway.http}/v2/health/ready", trust_env=False).is_success
        for protocol in ("http", "grpc"):
            labels = {"model": "add", "protocol": protocol, "reason": "rate_limit"}
            assert gateway.metric("tritongen_gateway_rejections_total", **labels) == 1


@pytest.mark.parametrize("said", ["", "; charset=utf-8"])
def test_a_form_of_ten_megabytes_does_not_end_triton(plain: Gateway, said: str) -> None:
    form = {"content-type": f"application/x-www-form-urlencoded{said}"}
    assert infer(plain, body(10 * MiB), **form).status_code == 200
    assert httpx.get(f"http://{plain.http}/v2/health/ready", trust_env=False).is_success


def test_the_header_that_ends_triton_is_taken_off(fleet: Fleet, plain: Gateway) -> None:
    for _ in range(3):
        answers: list[object] = []
        with triton_grpc.InferenceServerClient(plain.grpc) as client:
            client.start_stream(
                lambda *, result, error, answers=answers: answers.append(error),
                headers={"triton_grpc_error": "true"},
            )
            x = triton_grpc.InferInput("X", [1], "FP32")
            x.set_data_from_numpy(np.array([-1], np.float32))
            client.async_stream_infer("many", [x])
            _until(lambda answers=answers: len(answers) == 1)
            client.stop_stream()
        assert "negative" in str(answers[0])
    for replica in fleet.replicas:
        assert httpx.get(f"http://{replica.http}/v2/health/ready", trust_env=False).is_success


def _until(happened: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_stream_stays_open_while_nothing_is_said(start: Start) -> None:
    with start({"timeout": "1s"}) as gateway:
        answers: list[float] = []
        with triton_grpc.InferenceServerClient(gateway.grpc) as client:
            client.start_stream(lambda *, result, error: answers.append(result.as_numpy("Y")[0]))
            for wait_s in (0, 3):
                time.sleep(wait_s)
                x = triton_grpc.InferInput("X", [1], "FP32")
                x.set_data_from_numpy(np.array([1], np.float32))
                client.async_stream_infer("many", [x])
                seen = len(answers)
                _until(lambda seen=seen: len(answers) == seen + 3)
            client.stop_stream()
        assert answers == [1, 2, 3] * 2


def test_a_body_that_never_arrives_is_given_up(start: Start) -> None:
    with start({"timeout": "1s"}) as gateway:
        answer = raw(
            gateway.http, "POST /v2/models/add/infer HTTP/1.1", "Host: x", "Content-Length: 9"
        )
        assert status(answer) == 408
        assert '"the request did not arrive in time"' in answer


def test_a_model_that_takes_too_long_is_given_up(start: Start) -> None:
    with start({"timeout": "200ms"}) as gateway:
        answer = httpx.post(
            f"http://{gateway.http}/v2/models/slow/infer", content=BODY, trust_env=False
        )
        assert (answer.status_code, answer.json()) == (
            504,
            {"error": "Triton did not answer in time"},
        )
        with pytest.raises(InferenceServerException) as refused:
            call(gateway, "slow")
        assert refused.value.status() == "StatusCode.DEADLINE_EXCEEDED"


def test_clients_of_http_that_ask_first_are_told_to_go_on(plain: Gateway) -> None:
    """As curl does before it sends more than a megabyte."""
    answer = raw(
        plain.http,
        "POST /v2/models/add/infer HTTP/1.1",
        "Host: x",
        "Expect: 100-continue",
        f"Content-Length: {len(BODY)}",
        "",
        BODY,
    )
    assert answer.startswith("HTTP/1.1 100 Continue")
    assert "HTTP/1.1 200 OK" in answer


def test_ten_thousand_numbers_come_back_over_http(plain: Gateway) -> None:
    x = triton_http.InferInput("X", [4, 2500], "FP32")
    x.set_data_from_numpy(np.ones((4, 2500), np.float32))
    with triton_http.InferenceServerClient(plain.http) as client:
        assert (client.infer("add", [x]).as_numpy("Y") == 2).all()


def test_a_call_that_its_client_gave_up_is_given_up(plain: Gateway) -> None:
    x = triton_grpc.InferInput("X", [1, 1], "FP32")
    x.set_data_from_numpy(np.ones((1, 1), np.float32))
    with triton_grpc.InferenceServerClient(plain.grpc) as client:
        assert client.is_server_live()
        with pytest.raises(InferenceServerException) as ended:
            client.infer("slow", [x], client_timeout=0.3)
    assert grpc.StatusCode.DEADLINE_EXCEEDED.name in str(ended.value.status())
    _until(lambda: any(gave_up(each) for each in plain.records()))


def gave_up(record: dict[str, str]) -> bool:
    """Tell whether the client ended a call, or Triton did that was told of its deadline."""
    return record["model"] == "slow" and (record["ended"].startswith("C") or record["code"] == "4")
