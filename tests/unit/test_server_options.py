"""What a spec says to its server becomes tritonserver's arguments."""

from pathlib import Path
from typing import Any

import pytest

from tritongen.errors import SpecError
from tritongen.parts.engines.embedded.newer import newer_things, without
from tritongen.parts.engines.embedded.options import resolved, under
from tritongen.parts.serveroptions import server_options, server_secrets
from tritongen.records.plan import Plan
from tritongen.records.release import features, releases
from tritongen.records.server import OWNED, Server
from tritongen.stages.check import check
from tritongen.testing.cases import plan_of

FILES = {"m": {"input": {"x": "FP32[-1,4]"}, "output": {"y": "FP32[-1,4]"}}}


def planned(folder: Path, server: str, model: str = "", triton: str = "24.10") -> Plan:
    spec = f"triton: {triton}\nmodels: {{m: {{source: m.onnx{model}}}}}\nserver: {server}\n"
    return plan_of({"spec": spec, "files": FILES}, folder)


def arguments(plan: Plan, **how: Any) -> list[str]:
    said = server_options(plan, **how)
    return [option.argument + (f"${option.secret}" if option.secret else "") for option in said]


OURS = "--disable-auto-complete-config"


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("{}", []),
        ("{http_port: 9000, log_verbose: 2}", ["--log-verbose=2", "--http-port=9000"]),
        ("{strict_readiness: false, id: a b}", ["--id=a b", "--strict-readiness=false"]),
        (
            "{model_control_mode: explicit, load_model: [m, n]}",
            ["--model-control-mode=explicit", "--load-model=m", "--load-model=n"],
        ),
        ("{grpc_use_ssl_mutual: false, grpc_use_ssl: false}", ["--grpc-use-ssl=false"]),
        ("{response_cache: {}}", ["--cache-config=local,size=67108864"]),
        ("{response_cache: true}", ["--cache-config=local,size=67108864"]),
        ("{response_cache: {local: {size: 1MiB}}}", ["--cache-config=local,size=1048576"]),
        (
            "{response_cache: {redis: {password: {env: P}, tls_enabled: true}}}",
            [
                "--cache-config=redis,host=redis",
                "--cache-config=redis,port=6379",
                "--cache-config=redis,tls_enabled=true",
            ],
        ),
        (
            "{backend_config: {python: {a-b: 1, c: 'd=e,f'}, default-max-batch-size: 4}}",
            [
                "--backend-config=python,a-b=1",
                "--backend-config=python,c=d=e,f",
                "--backend-config=default-max-batch-size=4",
            ],
        ),
        (
            "{rate_limit: off, rate_limit_resource: {R: 1, S: {0: 2, 1: 3}}}",
            [
                "--rate-limit=off",
                "--rate-limit-resource=R:1",
                "--rate-limit-resource=S:2:0",
                "--rate-limit-resource=S:3:1",
            ],
        ),
        (
            "{model_load_gpu_limit: {0: 0.8}, cuda_memory_pool_byte_size: {1: 1KiB}}",
            ["--model-load-gpu-limit=0:0.8", "--cuda-memory-pool-byte-size=1:1024"],
        ),
        (
            "{host_policy: {p: {numa_node: 1, cpu_cores: 0-3}}}",
            ["--host-policy=p,numa-node=1", "--host-policy=p,cpu-cores=0-3"],
        ),
        (
            "{http_restricted_api: {apis: [trace, logging], header: k, value: {env: K}}}",
            ["--http-restricted-api=trace,logging:k=$K"],
        ),
        (
            "{metrics_config: {summary_latencies: true, "
            "summary_quantiles: {0.5: 0.05, 0.9: 0.01}}}",
            [
                "--metrics-config=summary_latencies=true",
                "--metrics-config=summary_quantiles=0.5:0.05,0.9:0.01",
            ],
        ),
        (
            "{trace_config: {mode: opentelemetry, level: TIMESTAMPS, rate: 5, count: -1, "
            "triton: {log_frequency: 2}, opentelemetry: {resource: {service.name: x}}}}",
            [
                "--trace-config=mode=opentelemetry",
                "--trace-config=level=TIMESTAMPS",
                "--trace-config=rate=5",
                "--trace-config=count=-1",
                "--trace-config=triton,log-frequency=2",
                "--trace-config=opentelemetry,resource=service.name=x",
            ],
        ),
    ],
)
def test_an_option_becomes_its_arguments(server: str, expected: list[str], tmp_path: Path) -> None:
    assert arguments(planned(tmp_path, server)) == [*expected, OURS]


def test_ports_can_be_left_to_who_starts_the_server(tmp_path: Path) -> None:
    plan = planned(tmp_path, "{http_port: 1, grpc_port: 2, metrics_port: 3, id: a}")
    assert arguments(plan, ports=False) == ["--id=a", OURS]


def test_a_model_that_asks_for_the_cache_gets_one(tmp_path: Path) -> None:
    asks = ", response_cache: {enable: true}"
    plan = planned(tmp_path, "{}", asks)
    assert arguments(plan) == [OURS, "--cache-config=local,size=67108864"]
    (decision,) = (each for each in plan.decisions if each.path[0] == "server")
    assert (decision.value, decision.why) == ("64 MiB", "m asks for the response cache")
    said = planned(tmp_path, "{response_cache: {local: {size: 2KiB}}}", asks)
    assert arguments(said) == ["--cache-config=local,size=2048", OURS]
    assert "server" not in {decision.path[0] for decision in said.decisions}


def test_the_servers_own_variables_are_named_with_those_that_hold_them(tmp_path: Path) -> None:
    plan = planned(tmp_path, "{response_cache: {redis: {password: {env: MINE}}}}")
    assert server_secrets(plan.server) == {"TRITONCACHE_REDIS_PASSWORD": "MINE"}
    assert server_secrets(Server()) == {}


def test_a_secret_is_read_where_the_server_is_started() -> None:
    said = [("--id=x", None), ("--http-restricted-api=trace:k=", "KEY")]
    assert resolved(said, {"KEY": "v"}) == ("--id=x", "--http-restricted-api=trace:k=v")
    with pytest.raises(SpecError, match="the environment has no KEY"):
        resolved(said, {"KEY": ""})


def test_words_replace_what_the_spec_says_and_add_to_settings() -> None:
    said = ("--id=a", "--load-model=m", "--backend-config=python,a=1", f"{OURS}")
    assert under(said, ("--id", "b", "--load-model=n", "--backend-config=python,c=2")) == (
        "--backend-config=python,a=1",
        OURS,
        "--id",
        "b",
        "--load-model=n",
        "--backend-config=python,c=2",
    )


def test_what_the_embedded_engine_lacks_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    engine = releases()["24.10"]
    server = (
        "{http_max_input_size: 1GiB, response_cache: {redis: {}}, log_file: a, id: x, "
        "metrics_config: {histogram_latencies: true}, allow_grpc: true, log_info: false, "
        "grpc_restricted_protocol: {apis: [trace, statistics], header: k, value: {env: K}}, "
        "http_restricted_api: {apis: [trace, statistics], header: k, value: {env: K}}}"
    )
    plan = planned(tmp_path, server, triton="26.04")
    assert not [found for found in check(plan) if found.code == "TG406"]
    lacking = newer_things(plan, engine)
    assert [thing.field for thing in lacking] == [
        "log_info",
        "log_file",
        "http_max_input_size",
        "grpc_restricted_protocol",
        "metrics_config.histogram_latencies",
        "response_cache.redis",
    ]
    assert str(lacking[2]) == "the server uses http_max_input_size: Triton has it since 25.06"
    rest = without(plan, lacking, engine)
    assert newer_things(rest, engine) == []
    assert arguments(rest) == [
        "--id=x",
        "--http-restricted-api=trace,statistics:k=$K",
        "--allow-grpc=true",
        "--cache-config=local,size=67108864",
        OURS,
    ]


def test_every_option_that_only_some_releases_have_is_an_option() -> None:
    flags = [each.field for each in features() if each.field.startswith("flag:")]
    names = {flag.removeprefix("flag:").partition(".")[0].replace("-", "_") for flag in flags}
    assert names <= Server.model_fields.keys()
    assert not OWNED.keys() & Server.model_fields.keys()
