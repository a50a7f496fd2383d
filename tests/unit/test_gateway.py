"""A plan becomes HAProxy's configuration; that HAProxy reads it is tested with HAProxy."""

from pathlib import Path

import pytest

from tritongen.parts.targets import gateway
from tritongen.records.plan import Plan
from tritongen.records.tree import Text
from tritongen.testing.cases import plan_of

CONFIGURATION = "compose/gateway/haproxy.cfg"
FILES = {"m": {"input": {"x": "FP32[-1,4]"}, "output": {"y": "FP32[-1,4]"}}}
SEQUENCES = """
models:
  m: {source: m.onnx, sequence_batching: {}}
ensembles:
  e: {steps: [m]}
"""


def planned(folder: Path, said: str, models: str = "models: {m: m.onnx}", more: str = "") -> Plan:
    stack = f"stack: {{gateway: {{haproxy: {{{said}}}}}}}"
    return plan_of({"spec": f"{models}\n{stack}\n{more}\n", "files": FILES}, folder)


def text(plan: Plan, path: str = CONFIGURATION) -> str:
    entry = gateway.render(plan)[path]
    assert isinstance(entry, Text)
    return entry.text


def lines(plan: Plan) -> list[str]:
    return [line.strip() for line in text(plan).splitlines()]


def test_without_a_stack_or_a_gateway_nothing_is_rendered(tmp_path: Path) -> None:
    for stack in ("", "stack: {gateway: none}"):
        plan = plan_of({"spec": f"models: {{m: m.onnx}}\n{stack}", "files": FILES}, tmp_path)
        assert gateway.render(plan) == {}


@pytest.mark.parametrize(
    ("said", "requests", "period_s"),
    [
        ("rate_limit: 100/s", 1000, 10),
        ("rate_limit: 0.5/s", 5, 10),
        ("rate_limit: 3/min", 3, 60),
        ("rate_limit: 2/h", 2, 3600),
        ("rate_limit: 0.5/h", 1, 3600),
    ],
)
def test_a_rate_becomes_whole_numbers(
    tmp_path: Path, said: str, requests: int, period_s: int
) -> None:
    found = lines(planned(tmp_path, said))
    assert f"acl often sc_http_req_rate(0,clients) gt {requests}" in found
    table = f"stick-table type ipv6 size 100k expire {2 * period_s}s"
    assert f"{table} store http_req_rate({period_s}s)" in found


def test_a_client_is_an_address_or_who_has_a_key(tmp_path: Path) -> None:
    by_address = planned(tmp_path, "rate_limit: 1/s")
    assert "http-request track-sc0 src table clients if inference" in lines(by_address)
    by_key = planned(tmp_path, "rate_limit: 1/s, api_keys: keys.txt")
    assert "http-request track-sc0 var(txn.key) table clients if inference" in lines(by_key)


@pytest.mark.parametrize(
    ("size", "bufsize"), [("64KiB", 86016), ("1MiB", 1130496), ("1B", 16384), ("100MiB", 71319552)]
)
def test_a_buffer_holds_a_request_that_may_be_sent_again(
    tmp_path: Path, size: str, bufsize: int
) -> None:
    assert f"tune.bufsize {bufsize}" in lines(planned(tmp_path, f"retry_size: {size}"))


@pytest.mark.parametrize(
    ("tensor", "kept"),
    [
        ("FP32[4]", 64 << 10),
        ("FP32[3,150,150]", 512 << 10),
        ("FP32[3,224,224]", 1 << 20),
        ("FP32[3,1000,1000]", 1 << 20),
        ("BYTES[1]", 256 << 10),
        ("FP32[-1]", 256 << 10),
    ],
)
def test_how_much_is_kept_follows_from_the_models(tmp_path: Path, tensor: str, kept: int) -> None:
    dims = tensor.replace("[", "[-1,")
    files = {"m": {"input": {"x": dims}, "output": {"y": dims}}}
    plan = plan_of({"spec": "models: {m: m.onnx}\nstack: {}", "files": files}, tmp_path)
    assert plan.stack
    assert plan.stack.gateway
    assert plan.stack.gateway.retry_size == kept


def test_models_with_sequences_and_their_ensembles_have_backends_of_their_own(
    tmp_path: Path,
) -> None:
    found = lines(planned(tmp_path, "", SEQUENCES))
    for name in ("m", "e"):
        assert f"acl stateful var(txn.model) -m str {name}" in found
    for protocol in ("http", "grpc"):
        at = found.index(f"backend triton_{protocol}_sequences")
        assert found[at + 1 : at + 4] == [
            "balance source",
            "hash-type consistent",
            "retry-on conn-failure",
        ]
    assert "sequences" not in text(planned(tmp_path, ""))


def test_without_grpc_there_is_no_frontend_for_it(tmp_path: Path) -> None:
    only_http = text(planned(tmp_path, "", more="server: {allow_grpc: false}"))
    assert "frontend grpc" not in only_http
    assert "nbsrv(triton_grpc)" not in only_http


@pytest.mark.parametrize(
    ("mode", "page"), [("none", "ready"), ("explicit", "live"), ("poll", "live")]
)
def test_a_server_that_loads_models_meanwhile_is_not_taken_out(
    tmp_path: Path, mode: str, page: str
) -> None:
    found = text(planned(tmp_path, "", more=f"server: {{model_control_mode: {mode}}}"))
    assert found.count(f"http-check send meth GET uri /v2/health/{page} ") == 2


def test_a_bucket_ends_at_each_objective(tmp_path: Path) -> None:
    plan = planned(tmp_path, "", more="slo: {m: {p99: 33ms, p50: 1234us, error_rate: 0.1%}}")
    lua = text(plan, "compose/gateway/metrics.lua")
    assert "{ 0.001, 0.001234, 0.0025, 0.005, 0.01, 0.025, 0.033, 0.05," in lua
    assert '"m",' in lua


@pytest.mark.parametrize(("replicas", "slots"), [(1, 10), (5, 10), (20, 40)])
def test_there_is_room_for_more_replicas(tmp_path: Path, replicas: int, slots: int) -> None:
    spec = f"models: {{m: m.onnx}}\nstack: {{replicas: {replicas}}}"
    plan = plan_of({"spec": spec, "files": FILES}, tmp_path)
    assert text(plan).count(f"server-template triton {slots} triton:800") == 2


def test_threads_follow_the_limit_of_processors(tmp_path: Path) -> None:
    spec = "models: {m: m.onnx}\nstack: {cpus: {gateway: 1.5}}"
    plan = plan_of({"spec": spec, "files": FILES}, tmp_path)
    assert "thread-hard-limit 2" in lines(plan)


def test_lines_of_ones_own_stand_at_the_end(tmp_path: Path) -> None:
    extra = f"stack: {{extra: {{{CONFIGURATION}: 'backend mine'}}}}"
    plan = plan_of({"spec": f"models: {{m: m.onnx}}\n{extra}", "files": FILES}, tmp_path)
    assert text(plan).endswith("\n\nbackend mine\n")
