"""The compose file as YAML reads it: what runs, what it is told, what is closed."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.compose.stacks import MODELS, planned, services, texts

from tritongen.parts.targets import compose, gateway
from tritongen.records.images import images
from tritongen.records.tree import Text

LOADTESTS = {"smoke": {"model": "m", "arrivals": {"constant": "1/s"}}}


def test_without_a_stack_nothing_is_rendered(tmp_path: Path) -> None:
    assert compose.render(planned(tmp_path)) == {}


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    plan = planned(tmp_path, stack={}, loadtests=LOADTESTS)
    assert texts(plan) == texts(plan)


def test_the_gateway_stands_before_triton_s_ports(tmp_path: Path) -> None:
    found = services(planned(tmp_path, stack={"replicas": 3}))
    assert "ports" not in found["triton"]
    assert found["triton"]["networks"] == ["inner"]
    assert found["triton"]["deploy"]["replicas"] == 3
    assert found["gateway"]["ports"] == ["127.0.0.1:8000:8000", "127.0.0.1:8001:8001"]
    assert found["gateway"]["networks"] == ["edge", "inner"]


def test_what_asks_for_no_password_stays_at_this_machine(tmp_path: Path) -> None:
    said = {"bind": "0.0.0.0", "tracing": {}}
    found = services(planned(tmp_path, stack=said, loadtests=LOADTESTS))
    open_to_others = {
        name
        for name, each in found.items()
        if any("0.0.0.0" in port for port in each.get("ports", []))
    }
    assert open_to_others == {"gateway", "grafana"}
    assert found["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]


def test_a_server_whose_models_change_is_healthy_while_it_answers(tmp_path: Path) -> None:
    fixed = services(planned(tmp_path, stack={}))["triton"]["healthcheck"]["test"]
    explicit = {"model_control_mode": "explicit"}
    changing = services(planned(tmp_path, server=explicit, stack={}))["triton"]
    assert fixed[-1].endswith("/v2/health/ready")
    assert changing["healthcheck"]["test"][-1].endswith("/v2/health/live")


def test_without_a_gateway_triton_is_published(tmp_path: Path) -> None:
    said = {"gateway": "none", "bind": "::1", "ports": {"http": 9000}}
    found = services(planned(tmp_path, stack=said, loadtests=LOADTESTS))
    assert "gateway" not in found
    assert found["triton"]["ports"] == ["[::1]:9000:8000", "[::1]:8001:8001", "[::1]:8002:8002"]
    assert "--grpc-address=triton:8001" in found["locust-worker"]["command"]


@pytest.mark.parametrize(
    ("gpus", "device"),
    [("all", {"count": "all"}), ([1, 3], {"device_ids": ["1", "3"]})],
)
def test_gpus_are_reserved(tmp_path: Path, gpus: Any, device: dict[str, Any]) -> None:
    triton = services(planned(tmp_path, stack={"gpus": gpus}))["triton"]
    (reserved,) = triton["deploy"]["resources"]["reservations"]["devices"]
    assert reserved == {"driver": "nvidia", "capabilities": ["gpu"], **device}
    assert triton["ulimits"]["memlock"] == -1


def test_without_gpus_none_is_reserved(tmp_path: Path) -> None:
    triton = services(planned(tmp_path, stack={}))["triton"]
    assert "reservations" not in triton["deploy"]["resources"]
    assert "memlock" not in triton["ulimits"]


def test_triton_is_told_what_the_server_is_told(tmp_path: Path) -> None:
    said = {"log_verbose": 1, "http_port": 9000, "model_control_mode": "explicit"}
    command = services(planned(tmp_path, server=said, stack={}))["triton"]["command"]
    assert command[:2] == ["tritonserver", "--model-repository=/models"]
    assert {"--log-verbose=1", "--model-control-mode=explicit"} < set(command)
    assert not any("port=" in word for word in command)


def test_a_secret_is_only_referred_to(tmp_path: Path) -> None:
    group = {"apis": ["model-repository"], "header": "k", "value": {"env": "CONTROL"}}
    said = {
        "http_restricted_api": group,
        "grpc_restricted_protocol": group,
        "response_cache": {"redis": {"password": {"env": "CACHE"}}},
    }
    found = services(planned(tmp_path, server=said, stack={}))
    assert (
        "--http-restricted-api=model-repository:k=${CONTROL:?server: asks for it}"
        in (found["triton"]["command"])
    )
    environment = found["triton"]["environment"]
    assert environment["TRITONCACHE_REDIS_PASSWORD"] == "${CACHE:?server: asks for it}"
    assert found["redis"]["command"][-2:] == [
        "--requirepass",
        "${CACHE:?the password of the response cache}",
    ]


def test_a_dollar_of_the_spec_is_not_replaced_by_compose(tmp_path: Path) -> None:
    said = {"id": "a$HOME$${B}"}
    command = services(planned(tmp_path, server=said, stack={}))["triton"]["command"]
    assert "--id=a$$HOME$${B}" in command


def test_what_the_spec_asks_for_starts_and_the_rest_waits_in_a_profile(tmp_path: Path) -> None:
    plain = services(planned(tmp_path, stack={}))
    assert set(plain) == {"triton", "gateway", "prometheus", "grafana", "alertmanager", "ops"}
    waiting = {name: each["profiles"] for name, each in plain.items() if "profiles" in each}
    assert waiting == {"alertmanager": ["alerts"], "ops": ["ops"]}
    full = services(
        planned(
            tmp_path,
            server={"response_cache": {"redis": {}}},
            stack={"tracing": {"rate": 5}, "alertmanager": {}},
            loadtests=LOADTESTS,
        )
    )
    more = {"redis", "otel-collector", "jaeger", "locust-master", "locust-worker"}
    assert set(full) == set(plain) | more
    assert [name for name, each in full.items() if "profiles" in each] == ["ops"]
    assert "--trace-config=rate=5" in full["triton"]["command"]
    assert full["triton"]["depends_on"] == {"redis": {"condition": "service_healthy"}}


def test_steps_with_requirements_get_an_image_built_for_them(tmp_path: Path) -> None:
    step = {**MODELS["s"], "requirements": ["six==1.16", "pillow==11.0"]}
    plan = planned(tmp_path, models={"s": step}, stack={})
    files = texts(plan)
    assert files["compose/triton.requirements.txt"] == "six==1.16\npillow==11.0\n"
    dockerfile = files["compose/triton.Dockerfile"]
    assert "FROM nvcr.io/nvidia/tritonserver:24.10-py3\n" in dockerfile
    assert "--require-hashes" not in dockerfile
    triton = services(plan)["triton"]
    assert triton["build"] == {"context": "./compose", "dockerfile": "triton.Dockerfile"}
    assert triton["pull_policy"] == "never"


def test_hashed_requirements_are_used_as_they_are(tmp_path: Path) -> None:
    line = f"six==1.16.0 --hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}"
    step = {**MODELS["s"], "requirements": [line]}
    files = texts(planned(tmp_path, models={"s": step}, stack={}))
    assert files["compose/triton.requirements.txt"] == f"{line}\n"
    assert "--require-hashes" in files["compose/triton.Dockerfile"]


def test_the_tag_of_a_built_image_changes_with_what_it_is_built_from(tmp_path: Path) -> None:
    def tag(*lines: str) -> str:
        step = {**MODELS["s"], "requirements": list(lines)}
        plan = planned(tmp_path, name="n", models={"s": step}, stack={})
        return str(services(plan)["triton"]["image"])

    assert tag("six==1.16").startswith("n-triton:")
    assert tag("six==1.16") == tag("six==1.16") != tag("six==1.17")


def test_locust_s_image_holds_what_its_program_needs(tmp_path: Path) -> None:
    plan = planned(tmp_path, stack={"images": {"locust": "ours/locust:1"}}, loadtests=LOADTESTS)
    files = texts(plan)
    assert "FROM ours/locust:1\n" in files["compose/locust.Dockerfile"]
    lines = files["compose/locust.requirements.txt"].splitlines()
    assert tuple(lines) == images().locust_requirements
    found = services(plan)
    assert len({found[name]["image"] for name in ("locust-master", "locust-worker", "ops")}) == 1


def test_tls_and_keys_are_secrets_of_the_gateway_and_locust_sees_the_certificate(
    tmp_path: Path,
) -> None:
    said = {
        "tls": {"certificate": "certs/a.pem", "key": {"env": "TLS_KEY"}},
        "api_keys": "keys.txt",
    }
    plan = planned(tmp_path, stack={"gateway": {"haproxy": said}}, loadtests=LOADTESTS)
    document = yaml.safe_load(texts(plan)["docker-compose.yml"])
    assert document["secrets"] == {
        "tls_certificate": {"file": "certs/a.pem"},
        "tls_key": {"file": "${TLS_KEY:?the path of a file}"},
        "api_keys": {"file": "keys.txt"},
    }
    found = document["services"]
    targets = {
        name: {secret["source"]: secret["target"] for secret in each["secrets"]}
        for name, each in found.items()
        if "secrets" in each
    }
    at = targets["gateway"]["tls_certificate"]
    assert targets["gateway"].keys() == document["secrets"].keys()
    assert targets["gateway"]["tls_key"] == f"{at}.key"
    for name in ("locust-master", "locust-worker"):
        assert targets.pop(name) == {"tls_certificate": at}
        assert "--http-address=https://gateway:8000" in found[name]["command"]
        assert f"--certificate={at}" in found[name]["command"]
    assert list(targets) == ["gateway"]


def test_extra_is_laid_over_the_file_and_shown_as_a_decision(tmp_path: Path) -> None:
    over = {
        "services": {
            "triton": {"environment": {"HF_HOME": "/tmp/hf"}, "shm_size": "2g"},
            "mine": {"image": "mine:1"},
        }
    }
    plan = planned(tmp_path, stack={"extra": {"docker-compose.yml": over}})
    found = services(plan)
    assert found["triton"]["environment"] == {"HOME": "/tmp", "HF_HOME": "/tmp/hf"}
    assert found["triton"]["shm_size"] == "2g"
    assert found["triton"]["read_only"] is True
    assert found["mine"] == {"image": "mine:1"}
    assert ("stack", "extra", "docker-compose.yml") in {d.path for d in plan.decisions}


def test_health_is_asked_with_what_the_images_have(tmp_path: Path) -> None:
    there = {
        "triton": "curl",  # NVIDIA's image
        "gateway": "bash",  # Debian, without anything that speaks HTTP
        "prometheus": "wget",  # busybox
        "alertmanager": "wget",
        "grafana": "wget",
        "locust-master": "python3",
        "redis": "redis-cli",
    }
    cache = {"response_cache": {"redis": {}}}
    found = services(planned(tmp_path, server=cache, stack={"tracing": {}}, loadtests=LOADTESTS))
    asked = {
        name: each["healthcheck"]["test"][:2]
        for name, each in found.items()
        if "healthcheck" in each
    }
    assert asked == {name: ["CMD", program] for name, program in there.items()}


def test_own_python_environments_may_run_from_tmp(tmp_path: Path) -> None:
    own = {"parameters": {"EXECUTION_ENV_PATH": "$$TRITON_MODEL_DIRECTORY/env.tar.gz"}}
    plain = services(planned(tmp_path, stack={}))["triton"]
    unpacked = services(planned(tmp_path, models={"s": {**MODELS["s"], **own}}, stack={}))["triton"]
    assert (plain["tmpfs"], unpacked["tmpfs"]) == (["/tmp"], ["/tmp:exec"])


def test_the_page_tells_where_everything_is(tmp_path: Path) -> None:
    said = {"bind": "0.0.0.0", "ports": {"grafana": 3333}, "replicas": 2, "tracing": {}}
    page = texts(planned(tmp_path, stack=said, loadtests=LOADTESTS))["compose/README.md"]
    for part in ("http://127.0.0.1:3333", "0.0.0.0", "`triton`: 2 of release 24.10", "`smoke`"):
        assert part in page
    assert "requests of at most 64 MiB" in page
    alone = texts(planned(tmp_path, stack={"gateway": "none"}))["compose/README.md"]
    assert "Triton itself" in alone
    assert "Locust" not in alone


def test_the_page_asks_as_the_gateway_wants_to_be_asked(tmp_path: Path) -> None:
    haproxy = {"tls": {"certificate": "c", "key": "k"}, "api_keys": "keys"}
    plan = planned(tmp_path, stack={"gateway": {"haproxy": haproxy}}, loadtests=LOADTESTS)
    page = texts(plan)["compose/README.md"]
    assert "`smoke`. They present the key `LOCUST_API_KEY` of `.env`.\n" in page
    header = '--header "Authorization: Bearer $KEY"'
    assert f"curl --insecure {header} https://127.0.0.1:8000/v2/models/m" in page


def test_extra_text_stands_at_the_end_of_haproxy_s_file(tmp_path: Path) -> None:
    more = "backend more\n  server a 10.0.0.1:80"
    plain = gateway.render(planned(tmp_path, stack={}))["compose/gateway/haproxy.cfg"]
    said = {"extra": {"compose/gateway/haproxy.cfg": more}}
    longer = gateway.render(planned(tmp_path, stack=said))["compose/gateway/haproxy.cfg"]
    assert isinstance(plain, Text)
    assert isinstance(longer, Text)
    assert longer.text == f"{plain.text}\n{more}\n"
