"""Closed by default: tried from outside, and read off the engine."""

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from tests.integration.compose.debian import mirror
from tests.integration.compose.project import Project
from tritonclient.grpc import service_pb2 as v2
from tritonclient.grpc import service_pb2_grpc

PUBLISHED = {"gateway": {8000, 8001}, "prometheus": {9090}, "locust-master": {8089}}
SERVICES = ("triton", "gateway", "prometheus", "locust-master", "locust-worker")
PER_CONTAINER = pytest.mark.parametrize("service", SERVICES)

CONTROL = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/filetype/load"),
    ("POST", "/v2/repository/models/filetype/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/x/register"),
    ("POST", "/v2/systemsharedmemory/unregister"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("POST", "/v2/cudasharedmemory/region/x/register"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/trace/setting"),
    ("POST", "/v2/models/filetype/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/logging"),
    ("GET", "/v2/models/stats"),
    ("GET", "/v2/models/filetype/stats"),
    ("GET", "/metrics"),
    ("GET", "/stats"),
    # The same in other spellings that a server could take for them.
    ("POST", "/v2//repository/index"),
    ("POST", "/v2/./repository/index"),
    ("POST", "/v2/models/../repository/index"),
    ("POST", "/v2/%72epository/index"),
    ("POST", "/v2/repository%2findex"),
    ("POST", "/V2/Repository/index"),
    ("POST", "//v2/repository/index"),
    ("POST", "/v2/repository/index/"),
    ("POST", "/v2/repository/index?x=/v2/health/live"),
    ("POST", "http://triton:8000/v2/repository/index"),
]

CALLS: list[tuple[str, Any]] = [
    ("RepositoryIndex", v2.RepositoryIndexRequest()),
    ("RepositoryModelLoad", v2.RepositoryModelLoadRequest(model_name="filetype")),
    ("RepositoryModelUnload", v2.RepositoryModelUnloadRequest(model_name="filetype")),
    ("SystemSharedMemoryStatus", v2.SystemSharedMemoryStatusRequest()),
    ("SystemSharedMemoryRegister", v2.SystemSharedMemoryRegisterRequest(name="x", key="/x")),
    ("SystemSharedMemoryUnregister", v2.SystemSharedMemoryUnregisterRequest()),
    ("CudaSharedMemoryStatus", v2.CudaSharedMemoryStatusRequest()),
    ("CudaSharedMemoryRegister", v2.CudaSharedMemoryRegisterRequest(name="x")),
    ("CudaSharedMemoryUnregister", v2.CudaSharedMemoryUnregisterRequest()),
    ("TraceSetting", v2.TraceSettingRequest()),
    ("LogSettings", v2.LogSettingsRequest()),
    ("ModelStatistics", v2.ModelStatisticsRequest()),
]


@pytest.mark.parametrize(("method", "path"), CONTROL)
def test_what_is_no_inference_is_refused_over_http(
    flagship: Project, method: str, path: str
) -> None:
    connection = http.client.HTTPConnection(flagship.address("gateway", 8000), timeout=10)
    connection.putrequest(method, path)
    connection.putheader("content-length", "2")
    connection.endheaders(b"{}")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status in {400, 403, 404}, text
    assert "filetype" not in text


@pytest.mark.parametrize(("call", "request_"), CALLS)
def test_what_is_no_inference_is_refused_over_grpc(
    flagship: Project, call: str, request_: Any
) -> None:
    with grpc.insecure_channel(flagship.address("gateway", 8001)) as channel:
        ask: Callable[..., Any] = getattr(service_pb2_grpc.GRPCInferenceServiceStub(channel), call)
        with pytest.raises(grpc.RpcError) as refused:
            ask(request_, timeout=10)
    code = refused.value.code()
    assert code is grpc.StatusCode.PERMISSION_DENIED


def test_only_these_ports_are_open_and_only_to_this_machine(flagship: Project) -> None:
    found: dict[str, set[int]] = {}
    for service in SERVICES:
        for container in flagship.containers(service):
            for inside, bound in (container["HostConfig"]["PortBindings"] or {}).items():
                assert [each["HostIp"] for each in bound] == ["127.0.0.1"], service
                found.setdefault(service, set()).add(int(inside.partition("/")[0]))
    assert found == PUBLISHED


@PER_CONTAINER
def test_a_container_has_no_more_rights_than_it_needs(flagship: Project, service: str) -> None:
    for container in flagship.containers(service):
        said = container["HostConfig"]
        assert not said["Privileged"]
        assert said["ReadonlyRootfs"]
        assert said["PidsLimit"] > 0
        assert said["Memory"] > 0
        status = status_of(container)
        assert "0" not in status["Uid"].split()
        assert "0" not in status["Groups"].split()
        assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"


def status_of(container: dict[str, Any]) -> dict[str, str]:
    """Return what the kernel says of a container's first process."""
    lines = Path(f"/proc/{container['State']['Pid']}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@PER_CONTAINER
def test_a_container_cannot_change_its_programs(flagship: Project, service: str) -> None:
    for container in flagship.containers(service):
        for path in ("/usr/bin/new", "/etc/new", "/new"):
            touch = ["exec", container["Id"], "touch", path]
            done = flagship.engine.try_docker(*touch)
            assert "Read-only file system" in done.stderr, done


def test_triton_cannot_write_its_models(flagship: Project) -> None:
    for container in flagship.containers("triton"):
        (models,) = (each for each in container["Mounts"] if each["Destination"] == "/models")
        assert models["RW"] is False


def test_triton_has_no_way_out(flagship: Project) -> None:
    inner = networks(flagship, "triton")
    assert len(inner) == 1
    (found,) = json.loads(flagship.engine.docker("network", "inspect", *inner))
    assert found["Internal"]
    outside = urlsplit(mirror())
    where = (socket.gethostbyname(str(outside.hostname)), outside.port or 80)
    connect = ["python3", "-c", f"import socket; socket.create_connection({where}, 3)"]
    (worker,) = flagship.containers("locust-worker")
    flagship.engine.docker("exec", worker["Id"], *connect)
    for container in flagship.containers("triton"):
        done = flagship.engine.try_docker("exec", container["Id"], *connect)
        assert done.stderr.splitlines()[-1].startswith(("TimeoutError", "OSError")), done


def test_a_container_on_the_edge_does_not_find_triton(flagship: Project) -> None:
    assert not networks(flagship, "locust-worker") & networks(flagship, "triton")
    (worker,) = flagship.containers("locust-worker")
    (triton, *_) = flagship.containers("triton")
    (network,) = triton["NetworkSettings"]["Networks"].values()
    for host in ("triton", network["IPAddress"]):
        code = f"import socket; socket.create_connection(('{host}', 8000), 3)"
        done = flagship.engine.try_docker("exec", worker["Id"], "python3", "-c", code)
        assert done.returncode == 1, done
        assert done.stderr.splitlines()[-1].startswith(("socket.gaierror", "TimeoutError", "OSErr"))


def networks(flagship: Project, service: str) -> set[str]:
    return {
        name
        for container in flagship.containers(service)
        for name in container["NetworkSettings"]["Networks"]
    }


def test_grafanas_password_is_its_owners_alone(flagship: Project) -> None:
    env = flagship.folder / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    (line,) = (line for line in env.read_text().splitlines() if "GRAFANA_PASSWORD=" in line)
    password = line.partition("=")[2]
    assert len(password) >= 16
    files = [path for path in flagship.folder.rglob("*") if path.is_file() and path != env]
    assert not [path for path in files if password.encode() in path.read_bytes()]
    everything = [json.dumps(flagship.containers(service)) for service in SERVICES]
    assert password not in "".join(everything)
