"""What the gateway tells: rejections that Triton does not count, times, and a line a request."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
from tests.integration.gateway.fleet import Fleet, Gateway
from tests.integration.gateway.test_what_passes import BODY, raw
from tritonclient.utils import InferenceServerException

from tritongen.records.metrics import metrics

pytestmark = [pytest.mark.server, pytest.mark.slow]

REQUESTS = "tritongen_gateway_requests_total"
REJECTIONS = "tritongen_gateway_rejections_total"
SECONDS = "tritongen_gateway_request_duration_seconds"


def over_http(gateway: Gateway, model: str) -> str:
    url = f"http://{gateway.http}/v2/models/{model}/infer"
    return str(httpx.post(url, content=BODY, trust_env=False, timeout=30).status_code)


def over_grpc(gateway: Gateway, model: str) -> str:
    x = triton_grpc.InferInput("X", [1, 1], "FP32")
    x.set_data_from_numpy(np.ones((1, 1), np.float32))
    with triton_grpc.InferenceServerClient(gateway.grpc) as client:
        try:
            client.infer(model, [x])
        except InferenceServerException as error:
            return str(error.status()).removeprefix("StatusCode.")
    return "OK"


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize(("model", "reason"), [("full", "queue_full"), ("late", "queue_timeout")])
def test_what_triton_rejects_is_counted_by_reason(
    plain: Gateway, protocol: str, model: str, reason: str
) -> None:
    def rejected() -> float:
        return plain.metric(REJECTIONS, model=model, protocol=protocol, reason=reason)

    ask = over_http if protocol == "http" else over_grpc
    before = rejected()
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: ask(plain, model), range(8)))
    bad = "503" if protocol == "http" else "UNAVAILABLE"
    assert set(codes) == {"200" if protocol == "http" else "OK", bad}
    assert rejected() - before == codes.count(bad)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_every_answer_is_counted_by_model_and_code(plain: Gateway, protocol: str) -> None:
    ask = over_http if protocol == "http" else over_grpc
    good = "200" if protocol == "http" else "OK"

    def counted() -> list[float]:
        labels = {"model": "add", "protocol": protocol}
        buckets = (plain.metric(f"{SECONDS}_bucket", **labels, le=le) for le in ("0.033", "+Inf"))
        return [
            plain.metric(REQUESTS, **labels, code=good),
            plain.metric(f"{SECONDS}_count", **labels),
            *buckets,
        ]

    before = counted()
    assert [ask(plain, "add") for _ in range(5)] == [good] * 5
    grown = [after - was for was, after in zip(before, counted(), strict=True)]
    assert [grown[0], grown[1], grown[3]] == [5, 5, 5]
    assert 0 <= grown[2] <= 5
    assert plain.metric(f"{SECONDS}_sum", model="add", protocol=protocol) > 0


def test_a_model_that_a_client_made_up_is_no_label(plain: Gateway) -> None:
    over_http(plain, "made-up")
    over_grpc(plain, "made-up")
    assert "made-up" not in plain.page("/tritongen/metrics")


def test_what_is_said_of_metrics_is_what_there_is(plain: Gateway) -> None:
    page = plain.page("/metrics") + plain.page("/tritongen/metrics")
    for metric in metrics().values():
        if metric.job == "gateway":
            assert f"# TYPE {metric.name} {metric.type}\n" in page


def test_no_replica_is_an_answer_of_the_gateways_own(fleet: Fleet, plain: Gateway) -> None:
    servers = [f"triton_{each}/triton{n}" for each in ("http", "grpc") for n in (1, 2)]
    for server in servers:
        plain.ask(f"set server {server} state maint")
    try:
        answer = httpx.post(
            f"http://{plain.http}/v2/models/add/infer", content=BODY, trust_env=False
        )
        assert (answer.status_code, answer.json()) == (
            503,
            {"error": "no replica of Triton is ready"},
        )
        assert over_grpc(plain, "add") == "UNAVAILABLE"
        health = httpx.get(f"http://{plain.metrics}/health", trust_env=False)
        assert health.status_code == 503
        for protocol in ("http", "grpc"):
            labels = {"model": "add", "protocol": protocol, "reason": "no_replica"}
            assert plain.metric(REJECTIONS, **labels) == 1
    finally:
        for server in servers:
            plain.ask(f"set server {server} state ready")


def test_the_log_has_a_line_for_each_request_whatever_clients_send(plain: Gateway) -> None:
    odd = '/v2/models/"}\\n{"a":"%22/infer'
    before = len(plain.records())
    for line in (f"GET {odd} HTTP/1.1", "GET /v2/\x80\xff HTTP/1.1", "no http at all", "GET /v2"):
        raw(plain.http, line, "Host: x")
    over_grpc(plain, 'm"}\n\\')
    records = plain.records(before + 5)[before:]
    assert len(records) == 5
    assert records[-1]["model"] == 'm"}\n\\'
    assert {tuple(record) for record in records} == {tuple(records[0])}
