"""Every kind of stack through Compose itself: accepted, and closed as Compose understands it."""

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.compose.stacks import MODELS, planned, texts

VARIABLES = {
    "GRAFANA_PASSWORD": "pa$$word",
    "CONTROL": "c",
    "CACHE": "r",
    "TLS_KEY": "/k",
    "H": "h",
}
HAPROXY = {
    "rate_limit": "50/s",
    "tls": {"certificate": "c.pem", "key": {"env": "TLS_KEY"}},
    "api_keys": "keys",
}
SECRET = {"apis": "model-repository", "header": "k", "value": {"env": "CONTROL"}}
STACKS: dict[str, Any] = {
    "nothing said": {},
    "no gateway": {"gateway": "none"},
    "gateway with all": {"replicas": 4, "gateway": {"haproxy": HAPROXY}},
    "gpus": {"gpus": "all"},
    "some gpus": {"gpus": [0, 2], "memory": "8GiB", "cpus": {"triton": 1.5, "grafana": 0.25}},
    "loopback of IPv6": {"bind": "::1"},
    "everywhere": {"bind": "::", "tracing": {}, "alertmanager": {"webhook": {"env": "H"}}},
    "pinned": {"images": {"triton": f"t:1@sha256:{'a' * 64}", "locust": "l:2"}},
    "extra": {"extra": {"docker-compose.yml": {"services": {"ops": {"environment": {"A": 1}}}}}},
}
SERVERS: dict[str, Any] = {
    "default": {},
    "options": {
        "http_restricted_api": SECRET,
        "grpc_restricted_protocol": SECRET,
        "response_cache": {"redis": {"password": {"env": "CACHE"}}},
        "id": "a$b",
    },
}
LOADTESTS = {"smoke": {"model": "m", "arrivals": {"constant": "1/s"}}}
NO_ROOT = {"root", "0", "0:0", ""}


@pytest.fixture(scope="module")
def compose(request: pytest.FixtureRequest) -> list[str]:
    """Compose v2: this machine's, or that of the tests' own engine; SKIPPED if there is neither."""
    if docker := shutil.which("docker"):
        asked = subprocess.run(
            [docker, "compose", "version"], capture_output=True, timeout=60, check=False
        )
        if asked.returncode == 0:
            return [docker, "compose"]
    engine = request.getfixturevalue("engine")
    os.environ["DOCKER_CONFIG"] = engine.environment["DOCKER_CONFIG"]
    return [engine.program, "compose"]


def understood(compose: list[str], folder: Path, **variables: str) -> dict[str, Any]:
    """Return the project as Compose reads it, of all profiles."""
    done = read(compose, folder, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def read(compose: list[str], folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [*compose, "--profile", "*", "config", "--format", "json"]
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ
    }
    return subprocess.run(
        command,
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def written(folder: Path, **said: Any) -> Path:
    for path, text in texts(planned(folder, **said)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("stack", "server", "loadtests"),
    list(itertools.product(STACKS, SERVERS, [True, False])),
    ids=lambda value: str(value).replace(" ", "_"),
)
def test_every_combination_is_accepted_and_closed(
    tmp_path: Path, compose: list[str], stack: str, server: str, *, loadtests: bool
) -> None:
    said = {"stack": STACKS[stack], "server": SERVERS[server]}
    asked = {"loadtests": LOADTESTS} if loadtests else {}
    project = understood(compose, written(tmp_path, **said, **asked), **VARIABLES)
    bind = STACKS[stack].get("bind", "127.0.0.1")
    assert ("locust-worker" in project["services"]) is loadtests
    for name, service in project["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] not in NO_ROOT, name
        limits = service["deploy"]["resources"]["limits"]
        assert limits["pids"] > 0, name
        assert int(limits["memory"]) > 0, name
        assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices"} & set(service)
        guarded = name in ("triton", "gateway", "grafana")
        at = bind if guarded or bind == "::1" else "127.0.0.1"
        assert all(port["host_ip"] == at for port in service.get("ports", [])), name
        for volume in service.get("volumes", []):
            assert volume["type"] == "volume" or volume["read_only"], (name, volume)
    assert project["networks"]["inner"]["internal"] is True
    if "gateway" in project["services"]:
        triton = project["services"]["triton"]
        assert (list(triton["networks"]), triton.get("ports")) == (["inner"], None)


def test_what_the_spec_says_reaches_triton_as_it_is(tmp_path: Path, compose: list[str]) -> None:
    folder = written(tmp_path, server=SERVERS["options"], stack={})
    # `config` writes what it read so that it can be read again: a dollar is doubled.
    command = understood(compose, folder, **VARIABLES)["services"]["triton"]["command"]
    assert "--id=a$$b" in command
    assert "--http-restricted-api=model-repository:k=c" in command


@pytest.mark.parametrize("missing", ["GRAFANA_PASSWORD", "CONTROL", "CACHE"])
def test_a_secret_that_is_not_set_is_asked_for(
    tmp_path: Path, compose: list[str], missing: str
) -> None:
    folder = written(tmp_path, server=SERVERS["options"], stack={})
    variables = {name: value for name, value in VARIABLES.items() if name != missing}
    done = read(compose, folder, **variables)
    assert done.returncode != 0
    assert missing in done.stderr


def test_images_that_are_built_here_are_built_from_what_is_there(
    tmp_path: Path, compose: list[str]
) -> None:
    step = {**MODELS["s"], "requirements": ["six==1.16"]}
    folder = written(tmp_path, models={"s": step}, stack={})
    services = understood(compose, folder, **VARIABLES)["services"]
    for name in ("triton", "ops"):
        build = services[name]["build"]
        assert (Path(build["context"]) / build["dockerfile"]).is_file()
        assert services[name]["pull_policy"] == "never"
