"""``server:`` on the real server: its options are those of the table, and do what they say."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tritongen.parts.engines import embedded
from tritongen.parts.engines.embedded.installation import installation
from tritongen.parts.serveroptions import flags
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.records.server import OWNED, Server
from tritongen.stages.load import load

pytestmark = pytest.mark.server

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))
STEP = """
def double(x):
    return {"y": x * 2}
"""
SPEC = """
name: options
models:
  double:
    python: step.py:double
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
    max_batch_size: 4
    response_cache: {enable: true}
    instance_group: {kind: cpu, rate_limiter: {resources: {name: R1, count: 1}}}
  idle:
    python: step.py:double
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
server:
  id: one-of-many
  exit_timeout_secs: 3
  log_verbose: 1
  log_info: true
  log_warning: true
  log_error: true
  log_format: ISO8601
  exit_on_error: false
  strict_readiness: false
  model_control_mode: explicit
  load_model: [double]
  model_config_name: usual
  model_load_thread_count: 2
  model_load_retry_count: 1
  model_namespacing: false
  enable_peer_access: false
  model_load_gpu_limit: {0: 0.8}
  allow_http: true
  http_thread_count: 2
  http_header_forward_pattern: "x-.*"
  http_restricted_api:
    - {apis: [shared-memory, statistics], header: admin-key, value: {env: ADMIN_KEY}}
    - {apis: model-config, header: config-key, value: {env: ADMIN_KEY}}
  allow_grpc: true
  grpc_header_forward_pattern: "x-.*"
  grpc_infer_allocation_pool_size: 4
  grpc_infer_response_compression_level: low
  grpc_keepalive_time: 7200000
  grpc_keepalive_timeout: 20000
  grpc_keepalive_permit_without_calls: true
  grpc_http2_max_pings_without_data: 0
  grpc_http2_min_recv_ping_interval_without_data: 10000
  grpc_http2_max_ping_strikes: 5
  grpc_max_connection_age: 60000
  grpc_max_connection_age_grace: 5000
  grpc_use_ssl: false
  grpc_use_ssl_mutual: false
  grpc_restricted_protocol: {apis: shared-memory, header: admin-key, value: {env: ADMIN_KEY}}
  allow_sagemaker: false
  sagemaker_port: 8080
  sagemaker_safe_port_range: 8000-8099
  sagemaker_thread_count: 2
  allow_vertex_ai: false
  vertex_ai_port: 8080
  vertex_ai_thread_count: 2
  vertex_ai_default_model: double
  allow_metrics: true
  allow_gpu_metrics: false
  allow_cpu_metrics: true
  metrics_interval_ms: 500
  metrics_config:
    counter_latencies: true
    summary_latencies: true
    summary_quantiles: {0.5: 0.05, 0.99: 0.001}
  trace_config:
    mode: triton
    level: [TIMESTAMPS]
    rate: 7
    count: 40
    triton: {file: traces.json, log_frequency: 5}
    opentelemetry:
      url: http://127.0.0.1:9/v1/traces
      resource: {service.name: x}
      bsp_max_queue_size: 64
      bsp_schedule_delay: 100
      bsp_max_export_batch_size: 32
  backend_config: {python: {shm-default-byte-size: 2097152}, default-max-batch-size: 8}
  response_cache: {local: {size: 1MiB}}
  rate_limit: execution_count
  rate_limit_resource: {R1: 2, R2: {0: 3}}
  pinned_memory_pool_byte_size: 0
  cuda_memory_pool_byte_size: {0: 1MiB}
  cuda_virtual_address_size: {0: 1GiB}
  min_supported_compute_capability: 7.5
  buffer_manager_thread_count: 1
  host_policy: {far: {numa_node: 0, cpu_cores: 0-1}}
"""
UNSAID = {
    "http_port", "grpc_port", "metrics_port",  # taken as they come
    "log_file", "repository_poll_secs", "grpc_server_cert", "grpc_server_key", "grpc_root_cert",
    "backend_directory", "repoagent_directory", "cache_directory",
}  # fmt: skip
"""What the embedded engine refuses, or needs another mode."""


def up(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [TRITONGEN, "up", "-d"],
        cwd=folder,
        env={**os.environ, "ADMIN_KEY": "let-me-in"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec that says every option, and its step."""
    path = tmp_path_factory.mktemp("options")
    (path / "step.py").write_text(STEP)
    (path / "spec.yaml").write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Endpoint]:
    """A server started twice, so that the second time nothing is built."""
    first = start(folder)
    embedded.stop(first)
    again = start(folder)
    yield again
    embedded.stop(again)


def start(folder: Path) -> Endpoint:
    started = up(folder)
    assert started.returncode == 0, started.stderr
    endpoint = embedded.find(folder)
    assert endpoint
    return endpoint


def ask(endpoint: Endpoint, path: str, body: Any = None, **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{endpoint.http}/v2{path}", data, sent)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")


def metrics(endpoint: Endpoint) -> str:
    with urllib.request.urlopen(f"http://{endpoint.metrics}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_the_table_has_the_options_of_the_server_and_no_others() -> None:
    wheel = installation()
    usage = subprocess.run(
        [str(wheel.server), "--help"],
        env={"LD_LIBRARY_PATH": wheel.library_path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    listed = set(re.findall(r"^  --([a-z0-9-]+)", usage.stdout + usage.stderr, re.MULTILINE))
    release = releases()["24.10"]
    ours = {name.replace("_", "-") for name in {*Server.model_fields, *OWNED} - {"response_cache"}}
    assert {name for name in ours if not release.lacks(f"flag:{name}")} == listed - {"help"}


def test_the_spec_of_this_test_says_every_option(folder: Path) -> None:
    said = {path[0] for path, _ in flags(load([folder / "spec.yaml"], {}).server)}
    newer = {
        name
        for name in Server.model_fields
        if releases()["24.10"].lacks(f"flag:{name.replace('_', '-')}")
    }
    assert said == Server.model_fields.keys() - UNSAID - newer


def test_the_server_says_its_name(server: Endpoint) -> None:
    assert ask(server, "")["name"] == "one-of-many"


def test_its_exit_timeout_is_known_to_down(server: Endpoint) -> None:
    assert server.exit_timeout_s == 3


def test_only_the_model_to_load_is_loaded(server: Endpoint) -> None:
    index = ask(server, "/repository/index", {})
    assert {model["name"]: model.get("state") for model in index} == {
        "double": "READY",
        "idle": None,
    }


def test_its_log_and_traces_are_as_said(server: Endpoint) -> None:
    logging = ask(server, "/logging")
    assert (logging["log_verbose_level"], logging["log_format"]) == (1, "ISO8601")
    traces = ask(server, "/trace/setting")
    assert traces["trace_level"] == ["TIMESTAMPS"]
    assert (traces["trace_rate"], traces["trace_count"]) == ("7", "40")
    assert (traces["trace_file"], traces["log_frequency"]) == ("traces.json", "5")


def test_its_cache_answers_a_second_time_and_its_summaries_are_there(server: Endpoint) -> None:
    body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [21]}]}
    answers = [ask(server, "/models/double/infer", body)["outputs"] for _ in range(2)]
    assert answers[0][0]["data"] == answers[1][0]["data"] == [42.0]
    text = metrics(server)
    assert re.search(r'nv_cache_num_hits_per_model\{model="double",version="1"\} 1', text)
    # Of a cached model, the server gives no summaries but the cache's.
    assert 'nv_cache_miss_summary_per_model{model="double",version="1",quantile="0.99"}' in text


def test_restricted_parts_want_the_secret(server: Endpoint) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        ask(server, "/models/double/stats")
    assert ask(server, "/models/double/stats", admin_key="let-me-in")["model_stats"]


def test_a_secret_that_is_not_set_is_asked_for(folder: Path, server: Endpoint) -> None:
    ended = subprocess.run(
        [TRITONGEN, "up", "-d", "-o", "elsewhere"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "ADMIN_KEY"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "the environment has no ADMIN_KEY" in ended.stderr


def test_what_the_embedded_server_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text(STEP)
    options = (
        "response_cache: {redis: {password: {env: PASSWORD}}}, log_file: a.log, allow_grpc: false"
    )
    (tmp_path / "spec.yaml").write_text(SPEC[: SPEC.index("server:")] + f"server: {{{options}}}\n")
    ended = up(tmp_path)
    assert ended.returncode == 5, ended.stderr
    for said in (
        "the server uses response_cache.redis: the embedded server comes without the cache library",
        "the server uses log_file: tritongen reads the log",
        "the server uses allow_grpc: tritongen asks the server over plain gRPC",
    ):
        assert said in ended.stderr
