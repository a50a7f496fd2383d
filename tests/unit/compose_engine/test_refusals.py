"""What Docker says when it fails becomes a refusal with an exit code and one remedy."""

import pytest

from tritongen.errors import EngineError, HostError, SpecError, ToolMissingError
from tritongen.parts.engines.compose.refusals import refusal, troubles

SAID = [
    (
        "permission denied while trying to connect to the Docker daemon socket at "
        'unix:///var/run/docker.sock: Get "http://%2Fvar": dial unix: connect: permission denied',
        ToolMissingError,
        "Docker does not let this user in",
        "usermod",
    ),
    (
        "Cannot connect to the Docker daemon at unix:///nope. Is the docker daemon running?",
        ToolMissingError,
        "the Docker engine is not running",
        "DOCKER_HOST",
    ),
    (
        'error during connect: Get "http://docker.example.com/v1.50/x": dial tcp: lookup far: '
        "no such host",
        ToolMissingError,
        "the Docker engine can't be reached",
        "docker context",
    ),
    (
        "failed to register layer: write /opt/x: no space left on device",
        HostError,
        "the disk that Docker keeps its images and containers on is full",
        "docker system prune",
    ),
    (
        "Error response from daemon: driver failed programming external connectivity on endpoint "
        "x-gateway-1: Bind for 127.0.0.1:8000 failed: port is already allocated",
        HostError,
        "port 8000 is taken",
        "stack: {ports: ...}",
    ),
    (
        "Error response from daemon: Ports are not available: exposing port TCP 127.0.0.1:3000 -> "
        "0.0.0.0:0: listen tcp 127.0.0.1:3000: bind: address already in use",
        HostError,
        "port 3000 is taken",
        "stack: {ports: ...}",
    ),
    (
        'Error response from daemon: could not select device driver "nvidia" with capabilities: '
        "[[gpu]]",
        ToolMissingError,
        "Docker can't give GPUs to a container here",
        "gpus: none",
    ),
    (
        'Error response from daemon: Get "https://nvcr.io/v2/": dial tcp: lookup nvcr.io on '
        "10.0.0.53:53: no such host",
        HostError,
        "the registry nvcr.io can't be reached",
        "docker save",
    ),
    (
        "Error response from daemon: manifest for haproxy:9.9 not found: manifest unknown",
        ToolMissingError,
        "there is no image haproxy:9.9",
        "stack: {images: ...}",
    ),
    (
        "Error response from daemon: pull access denied for nowhere/x, repository does not exist "
        "or may require 'docker login'",
        ToolMissingError,
        "the registry does not give us the image nowhere/x",
        "docker login",
    ),
    (
        "WARNING: Retrying: NewConnectionError: Temporary failure in name resolution\n"
        "ERROR: No matching distribution found for six==1.16\n"
        "The command '/bin/sh -c python3 -m pip install -r x' returned a non-zero code: 1",
        HostError,
        "pip reaches no index of packages while an image is built",
        "proxies",
    ),
    (
        "#7 2.1 ERROR: No matching distribution found for six==99\n"
        'target triton: failed to solve: process "/bin/sh -c python3 -m pip install -r x" did not '
        "complete successfully: exit code: 1",
        SpecError,
        "pip can't install what an image is built with",
        "`requirements:`",
    ),
    (
        "error while interpolating services.triton.command.[3]: required variable ADMIN_KEY is "
        "missing a value: server: asks for it",
        SpecError,
        "the variable ADMIN_KEY is not set: server: asks for it",
        ".env",
    ),
    (
        'Error response from daemon: invalid mount config for type "bind": bind source path does '
        "not exist: /here/compose/tls.pem",
        SpecError,
        "a file that a container mounts is not there: /here/compose/tls.pem",
        "make it",
    ),
    (
        "Error response from daemon: Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs",
        HostError,
        "a service is given more processors than this machine's 2.00",
        "stack: {cpus: ...}",
    ),
]


@pytest.mark.parametrize(("said", "kind", "message", "remedy"), SAID)
def test_what_docker_says_is_told_in_words_with_a_remedy(
    said: str, kind: type[Exception], message: str, remedy: str
) -> None:
    error = refusal("docker compose up", said)
    assert type(error) is kind
    assert error.message == message
    assert remedy in error.fix
    assert error.why


def test_what_is_not_known_is_shown_as_docker_wrote_it() -> None:
    error = refusal("docker compose up", "first\nsomething entirely new\n")
    assert isinstance(error, EngineError)
    assert error.why == "something entirely new"
    assert error.log == ("first", "something entirely new")


def test_every_row_of_the_table_has_a_remedy_that_can_be_shown() -> None:
    for trouble in troubles():
        groups = dict.fromkeys(trouble.pattern.groupindex, "x")
        assert trouble.fix.format(**groups)
        assert trouble.message.format(**groups)
