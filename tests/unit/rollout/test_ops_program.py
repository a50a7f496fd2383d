"""The one-shot service: what it tells the gateway, and that it gives back what it took."""

import importlib.util
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(str(files("tritongen.runtime"))) / "ops"
STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight
4 triton_http 1 triton1 172.18.0.5 2 0 1 1
4 triton_http 2 triton2 172.18.0.6 2 8 1 1
4 triton_http 3 triton3 - 0 32 1 1
4 triton_http 4 triton4 172.18.0.7 0 32 1 1

"""

ANSWERS = {
    "show servers state": STATE,
    "show stat -1 4 -1": "# pxname,svname,qcur,scur\ntriton_http,triton1,1,2\n",
    "set server triton_http/nosuch state drain": "No such server.\n",
}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A socket that answers as HAProxy's runtime API does, and what it was told."""
    path, told = tmp_path / "admin.sock", list[str]()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                said = connection.recv(4096).decode().strip()
                told.append(said)
                connection.sendall(ANSWERS.get(said, "\n").encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield path, told
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


def talk(path: Path, *asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Run the program as the service does, tell it lines, and return its answers."""
    lines = "".join(json.dumps(each) + "\n" for each in asked)
    done = subprocess.run(
        [sys.executable, str(PROGRAM / "ops.py"), str(path)],
        input=lines, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_gateways_places_are_told_with_who_is_there(gateway: tuple[Path, list[str]]) -> None:
    (said,) = talk(gateway[0], {"do": "servers"})
    assert [(s["server"], s["address"], s["up"], s["drained"]) for s in said["servers"]] == [
        ("triton1", "172.18.0.5", True, False),
        ("triton2", "172.18.0.6", True, True),
        ("triton3", "", False, False),
        ("triton4", "", False, False),
    ]


def test_requests_under_way_are_those_served_and_those_waiting(
    gateway: tuple[Path, list[str]],
) -> None:
    assert talk(gateway[0], {"do": "busy"}) == [{"busy": {"triton_http/triton1": 3}}]


def test_what_was_taken_is_given_back_at_the_end(gateway: tuple[Path, list[str]]) -> None:
    path, told = gateway
    one, two = ["triton_http", "triton1"], ["triton_http", "triton2"]
    talk(
        path,
        {"do": "set", "state": "drain", "servers": [one, two]},
        {"do": "set", "state": "ready", "servers": [one]},
    )
    assert told == [
        "set server triton_http/triton1 state drain",
        "set server triton_http/triton2 state drain",
        "set server triton_http/triton1 state ready",
        "set server triton_http/triton2 state ready",
    ]


def test_what_goes_wrong_is_answered_and_the_rest_goes_on(gateway: tuple[Path, list[str]]) -> None:
    wrong, nothing, fine = talk(
        gateway[0],
        {"do": "set", "state": "drain", "servers": [["triton_http", "nosuch"]]},
        {"do": "dance"},
        {"do": "busy"},
    )
    assert wrong == {"error": "ValueError: triton_http/nosuch: No such server."}
    assert nothing == {"error": "KeyError: 'dance'"}
    assert "busy" in fine


def test_it_imports_nothing_of_ours() -> None:
    for path in PROGRAM.glob("*.py"):
        assert importlib.util.spec_from_file_location(path.stem, path)
        assert "tritongen." not in path.read_text().replace("`tritongen ", "")
