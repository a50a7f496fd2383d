"""What Docker tells of containers becomes how they are, and why they are not well."""

from typing import Any

import pytest

from tritongen.parts.engines.compose.containers import container
from tritongen.parts.engines.compose.definition import service
from tritongen.parts.engines.compose.reasons import progress_of, reason
from tritongen.parts.engines.compose.stack import endpoint

LABELS = {
    "com.docker.compose.project": "demo",
    "com.docker.compose.container-number": "2",
    "com.docker.compose.config-hash": "abc",
}


def inspected(name: str = "triton", **state: Any) -> dict[str, Any]:
    """A row of `docker inspect`, as far as it is read."""
    said = {"Status": "running", "ExitCode": 0, "OOMKilled": False, "Error": "", **state}
    return {
        "Id": "1" * 64,
        "Name": f"/demo-{name}-2",
        "RestartCount": said.pop("restarts", 0),
        "State": said,
        "Config": {"Image": "x:1", "Labels": {**LABELS, "com.docker.compose.service": name}},
        "NetworkSettings": {
            "Ports": {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "28000"}], "8001/tcp": None},
            "Networks": {"demo_inner": {"IPAddress": "172.18.0.5"}},
        },
        "Mounts": [{"Destination": "/models"}],
    }


@pytest.mark.parametrize(
    ("state", "mood"),
    [
        ({}, "ready"),
        ({"Health": {"Status": "healthy"}}, "ready"),
        ({"Health": {"Status": "starting"}}, "starting"),
        ({"Health": {"Status": "unhealthy"}}, "broken"),
        ({"Status": "restarting", "ExitCode": 1}, "broken"),
        ({"Status": "created"}, "starting"),
        ({"Status": "created", "Error": "no such user"}, "broken"),
        ({"Status": "exited"}, "stopped"),
        ({"Status": "exited", "ExitCode": 137}, "broken"),
        ({"Status": "exited", "OOMKilled": True}, "broken"),
    ],
)
def test_a_containers_state_is_one_of_four_moods(state: dict[str, Any], mood: str) -> None:
    assert container(inspected(**state)).mood == mood


def test_addresses_and_ports_are_those_that_can_be_used_from_here() -> None:
    found = container(inspected())
    assert found.name == "demo-triton-2"
    assert found.number == 2
    assert found.addresses == {"inner": "172.18.0.5"}
    assert found.ports == {8000: "127.0.0.1:28000"}


def test_an_endpoint_behind_a_certificate_says_so(tmp_path: Any) -> None:
    row = inspected("gateway")
    assert endpoint(tmp_path, [container(row)]).http == "127.0.0.1:28000"
    row["Mounts"].append({"Destination": "/run/secrets/tls.pem"})
    assert endpoint(tmp_path, [container(row)]).http == "https://127.0.0.1:28000"


LOADING = """\
I1122 12:00:00.000000 1 pinned_memory_manager.cc:283] "Pinned memory pool disabled"
I1122 12:00:00.000000 1 model_lifecycle.cc:472] "loading: good:1"
I1122 12:00:00.000000 1 model_lifecycle.cc:472] "loading: bad:1"
I1122 12:00:01.000000 1 model_lifecycle.cc:839] "successfully loaded 'good'"
E1122 12:00:01.000000 1 model_lifecycle.cc:654] \
"failed to load 'bad' version 1: Internal: ModuleNotFoundError: No module named 'nosuch'"
""".splitlines()


def test_a_model_that_does_not_load_is_named_with_the_remedy_for_a_container() -> None:
    error = reason(container(inspected(Status="exited", ExitCode=1)), LOADING)
    assert error.message == "1 model did not load in demo-triton-2: bad"
    assert "the image does not have" in error.why
    assert "`requirements`" in error.fix


def test_only_what_was_said_since_the_last_start_counts() -> None:
    again = progress_of([*LOADING, LOADING[0], LOADING[1]])
    assert again.failed == {}
    assert list(again.loading) == ["good"]


def test_a_container_that_was_started_again_is_told_by_the_start_that_failed() -> None:
    unhealthy = container(inspected(Health={"Status": "unhealthy"}, restarts=1))
    error = reason(unhealthy, [*LOADING, LOADING[0], LOADING[1]])
    assert error.message == "1 model did not load in demo-triton-2: bad"


@pytest.mark.parametrize(
    ("name", "state", "lines", "message", "told"),
    [
        ("triton", {"Status": "exited", "OOMKilled": True, "ExitCode": 137}, [],
         "demo-triton-2 ran out of memory", "stack: {memory: {triton: ...}}"),
        ("gateway", {"Status": "restarting", "ExitCode": 1, "restarts": 3},
         ["[NOTICE] (1) : hello", "[ALERT] (1) : config : bind nowhere",
          "[ALERT]    (1) : config : Fatal errors found in configuration."],
         "demo-gateway-2 ended (exit code 1, 3 times)", "config : bind nowhere"),
        ("triton", {"Status": "exited", "ExitCode": 139}, [],
         "demo-triton-2 ended (killed by SIGSEGV)", "tritongen logs --service triton"),
        ("redis", {"Status": "exited", "ExitCode": 127}, [],
         "demo-redis-2 ended (exit code 127)", "does not have the program"),
        ("locust", {"Status": "created", "Error": "unable to find user locust"}, [],
         "demo-locust-2 could not be started", "unable to find user locust"),
        ("prometheus",
         {"Health": {"Status": "unhealthy", "Log": [{"Output": "connection refused"}]}}, [],
         "demo-prometheus-2 does not become healthy", "connection refused"),
        ("prometheus", {"Status": "running", "Health": {"Status": "starting"}, "restarts": 2},
         ['level=error err="not a valid duration"'],
         "demo-prometheus-2 ended 2 times, and was started again each time", "a valid duration"),
        ("x", {"Status": "exited", "ExitCode": 255}, [],
         "demo-x-2 ended (exit code 255)", "logs"),
    ],
)  # fmt: skip
def test_why_a_container_is_not_well_is_said_in_words(
    name: str, state: dict[str, Any], lines: list[str], message: str, told: str
) -> None:
    error = reason(container(inspected(name, **state)), lines)
    assert error.message == message
    assert told in f"{error.why}\n{error.fix}"


def test_a_service_of_the_compose_file_has_its_image_replicas_and_ports() -> None:
    row = {
        "image": "haproxy:3.0",
        "deploy": {"replicas": 2},
        "ports": [{"host_ip": "127.0.0.1", "published": "8000", "target": 8000}],
    }
    found = service("demo", "gateway", row)
    assert (found.image, found.built, found.replicas) == ("haproxy:3.0", False, 2)
    assert found.ports == (("127.0.0.1", 8000),)
    assert service("demo", "ops", {"build": {}, "scale": 3}).image == "demo-ops"
