"""tritonserver's command line: ours, and what the user says after ``--``."""

import socket
from contextlib import closing

import pytest

from tritongen.errors import HostError, SpecError
from tritongen.parts.engines.embedded.options import arguments, read_options
from tritongen.parts.engines.ports import choose_ports

LOCAL = {"http": "127.0.0.1", "grpc": "127.0.0.1"}


def test_both_spellings_of_a_value_are_read() -> None:
    options = read_options(["--http-port", "9000", "--disable-auto-complete-config", "--id=x"])
    assert options.port("http") == 9000
    assert options.values["id"] == "x"


def test_what_the_user_says_replaces_ours() -> None:
    said = read_options(["--log-verbose=3"])
    ours = {"log-verbose": "0", "exit-on-error": "false", "disable-auto-complete-config": None}
    assert arguments(ours, said) == [
        "--exit-on-error=false",
        "--disable-auto-complete-config",
        "--log-verbose=3",
    ]


def test_what_can_be_said_twice_is_added_to_ours() -> None:
    said = read_options(["--backend-config=python,shm-default-byte-size=8388608"])
    assert arguments({"backend-config": "python,x=y"}, said) == [
        "--backend-config=python,x=y",
        "--backend-config=python,shm-default-byte-size=8388608",
    ]


@pytest.mark.parametrize("value", ["false", "0", "False"])
def test_a_service_can_be_off(value: str) -> None:
    assert read_options([f"--allow-http={value}"]).off("http")
    assert not read_options(["--allow-http=true"]).off("http")


def test_metrics_listen_where_http_does() -> None:
    options = read_options(["--http-address=0.0.0.0"])
    assert (options.address("metrics"), options.address("grpc")) == ("0.0.0.0", "127.0.0.1")


@pytest.mark.parametrize(
    "words",
    [
        ["model"],
        ["--http-port=0"],
        ["--grpc-port", "70000"],
        ["--allow-grpc=false"],
        ["--grpc-use-ssl=true"],
        ["--log-file=/tmp/x"],
        ["--log-info=false"],
    ],
)
def test_what_nothing_can_be_served_with_is_refused(words: list[str]) -> None:
    with pytest.raises(SpecError):
        read_options(words)


def test_ports_are_the_wanted_then_the_usual_then_any() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as holder:
        held = holder.getsockname()[1]
        ports = choose_ports({"http": None, "grpc": None}, LOCAL, {"http": held})
    assert held not in ports.values()
    assert len(set(ports.values())) == 2


def test_a_usual_port_that_another_service_wants_is_left_to_it() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as holder:
        free = holder.getsockname()[1]
    ports = choose_ports({"http": None, "grpc": free}, LOCAL, {"http": free})
    assert ports["grpc"] == free
    assert ports["http"] != free


def test_a_wanted_port_that_is_taken_is_refused() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as holder:
        held = holder.getsockname()[1]
        with pytest.raises(HostError, match=f"port {held} for http is taken by "):
            choose_ports({"http": held}, LOCAL, {})
