"""``up``, ``status``, ``logs`` and ``down`` as a user types them, on the real server."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tritongen.parts.engines import embedded
from tritongen.parts.engines.runfolder import run_folder
from tritongen.records.endpoint import Endpoint

pytestmark = pytest.mark.server

Model = Callable[..., Path]
Up = Callable[..., "subprocess.Popen[str]"]

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))


def tritongen(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [TRITONGEN, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the commands run; what runs there at the end is stopped."""
    here = tmp_path / "here"
    here.mkdir()
    yield here
    if endpoint := embedded.find(here):
        embedded.stop(endpoint)


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    """Start ``tritongen up`` in the foreground and return once it serves."""
    with ExitStack() as processes:

        def start(*words: str) -> "subprocess.Popen[str]":
            process = processes.enter_context(
                subprocess.Popen(
                    [TRITONGEN, "up", *words],
                    cwd=folder,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
            processes.callback(process.kill)
            assert process.stderr
            assert process.stderr.readline().startswith("ready in "), process.stderr.read()
            return process

        yield start


def served(folder: Path) -> Endpoint:
    endpoint = embedded.find(folder)
    assert endpoint
    return endpoint


def gone(endpoint: Endpoint, seconds: float = 30) -> bool:
    return embedded.process(endpoint).wait(seconds)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_server_with_exit_code_0(
    up: Up, model: Model, folder: Path, number: signal.Signals
) -> None:
    process = up("--repository", str(model("double")))
    endpoint = served(folder)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.endswith("stopped\n")
    assert gone(endpoint, 0)
    assert [path.name for path in (folder / ".tritongen" / "run").iterdir()].count("backends") == 0


def test_a_second_interrupt_stops_at_once(up: Up, model: Model, folder: Path) -> None:
    process = up("--repository", str(model("double")), "--", "--exit-timeout-secs=600")
    endpoint = served(folder)
    request = slow_reader(endpoint)
    with request:
        process.send_signal(signal.SIGINT)
        assert not gone(endpoint, 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert gone(endpoint, 0)


def slow_reader(endpoint: Endpoint) -> "subprocess.Popen[bytes]":
    """Hold an idle HTTP connection, for which the server waits until its exit timeout."""
    host, _, port = endpoint.http.rpartition(":")
    code = (
        "import http.client, sys, time\n"
        f"c = http.client.HTTPConnection({host!r}, {port})\n"
        "c.request('GET', '/v2/health/live'); c.getresponse().read()\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_server_dies_with_an_up_that_is_killed(up: Up, model: Model, folder: Path) -> None:
    process = up("--repository", str(model("double")))
    endpoint = served(folder)
    process.kill()
    process.wait(10)
    assert gone(endpoint)


def test_the_server_dies_with_an_up_that_is_killed_while_models_load(
    model: Model, folder: Path
) -> None:
    repository = model("sleeper", "import time\ntime.sleep(3600)\n")
    process = subprocess.Popen(
        [TRITONGEN, "up", "--repository", str(repository)], cwd=folder, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while embedded.find(folder) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    endpoint = served(folder)
    process.kill()
    process.wait(10)
    assert gone(endpoint)


def test_an_interrupt_while_models_load_stops_everything(model: Model, folder: Path) -> None:
    repository = model("sleeper", "import time\ntime.sleep(3600)\n")
    command = [TRITONGEN, "up", "--repository", str(repository)]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while embedded.find(folder) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        endpoint = served(folder)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "stopped\n")
    assert gone(endpoint, 0)


def test_an_up_after_one_that_was_killed_waits_for_its_server(
    up: Up, model: Model, folder: Path
) -> None:
    repository = str(model("double"))
    process = up("--repository", repository)
    first = served(folder)
    process.kill()
    process.wait(10)
    up("--repository", repository)
    assert served(folder).pid != first.pid


def test_an_up_whose_server_breaks_says_so(up: Up, model: Model, folder: Path) -> None:
    process = up("--repository", str(model("double")))
    os.kill(served(folder).pid, signal.SIGSEGV)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 6
    assert "the server ended while it was serving (killed by SIGSEGV)" in errors
    assert "Traceback" not in errors


def test_down_ends_an_up_in_the_foreground(up: Up, model: Model, folder: Path) -> None:
    process = up("--repository", str(model("double")))
    assert tritongen("down", folder=folder).returncode == 0
    assert process.wait(30) == 0


def test_a_detached_server_stays_until_down(model: Model, folder: Path) -> None:
    started = tritongen("up", "--repository", str(model("double")), "--detach", folder=folder)
    assert started.returncode == 0, started.stderr
    assert "tritongen infer double" in started.stdout
    endpoint = served(folder)

    status = tritongen("status", folder=folder)
    assert (status.returncode, status.stderr) == (0, "")
    assert "double" in status.stdout
    said = json.loads(tritongen("status", "--json", folder=folder).stdout)
    assert said["ready"]
    assert said["endpoint"]["pid"] == endpoint.pid
    assert [(m["name"], m["state"]) for m in said["models"]] == [("double", "READY")]

    logs = tritongen("logs", "--model", "double", folder=folder).stdout
    assert "successfully loaded 'double'" in logs
    assert "Started HTTPService" not in logs

    assert tritongen("down", folder=folder).stderr == "stopped\n"
    assert gone(endpoint, 0)
    again = tritongen("down", folder=folder)
    assert (again.returncode, again.stderr) == (0, "no server is running\n")
    assert tritongen("status", folder=folder).returncode == 6
    assert json.loads(tritongen("status", "--json", folder=folder).stdout) == {"running": False}


def test_status_of_a_server_that_is_stuck_says_how_to_end_it(model: Model, folder: Path) -> None:
    tritongen("up", "--repository", str(model("double")), "--detach", folder=folder)
    endpoint = served(folder)
    os.kill(endpoint.pid, signal.SIGSTOP)
    try:
        status = tritongen("status", folder=folder)
    finally:
        os.kill(endpoint.pid, signal.SIGCONT)
    assert status.returncode == 6
    assert f"the server (pid {endpoint.pid}) does not answer" in status.stderr
    assert "tritongen down" in status.stderr


def test_the_curl_line_that_up_prints_works(model: Model, folder: Path) -> None:
    started = tritongen("up", "--repository", str(model("double")), "-d", folder=folder)
    (line,) = (line for line in started.stdout.splitlines() if "curl " in line)
    answer = subprocess.run(
        [*shlex.split(line), "-s"], capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(answer.stdout)["outputs"][0]["name"] == "Y"


def test_a_second_up_in_the_same_folder_is_refused(model: Model, folder: Path) -> None:
    repository = str(model("double"))
    tritongen("up", "--repository", repository, "-d", folder=folder)
    endpoint = served(folder)
    second = tritongen("up", "--repository", repository, folder=folder)
    assert second.returncode == 9
    assert f"a server is running here already (pid {endpoint.pid}" in second.stderr
    assert embedded.find(folder) == endpoint


def test_logs_follow_until_the_server_ends(model: Model, folder: Path) -> None:
    tritongen("up", "--repository", str(model("double")), "-d", folder=folder)
    command = [TRITONGEN, "logs", "-f"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout
        assert "pinned_memory_manager" in follower.stdout.readline()
        tritongen("down", folder=folder)
        rest, _ = follower.communicate(timeout=30)
    assert follower.returncode == 0
    assert "Signal (15) received." in rest


def test_down_never_ends_a_process_that_is_not_ours(model: Model, folder: Path) -> None:
    tritongen("up", "--repository", str(model("double")), "-d", folder=folder)
    endpoint = served(folder)
    embedded.stop(endpoint)
    record = run_folder(folder).record
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        from dataclasses import asdict

        # As if the kernel had given the server's pid to another program.
        record.write_text(json.dumps({**asdict(endpoint), "pid": other.pid}))
        assert tritongen("status", folder=folder).returncode == 6
        assert tritongen("down", folder=folder).returncode == 0
        assert other.poll() is None
        other.communicate(b"\n")
    assert not record.exists()


def test_models_that_fail_end_up_with_6_and_their_reasons(model: Model, folder: Path) -> None:
    ended = tritongen("up", "--repository", str(model("bad", "import nothing_such")), folder=folder)
    assert (ended.returncode, ended.stdout) == (6, "")
    assert ended.stderr.startswith("error  1 model did not load: bad\n")
    assert "ModuleNotFoundError: No module named 'nothing_such'" in ended.stderr
    assert "NVML" not in ended.stderr
    assert embedded.find(folder) is None


def test_a_model_that_hangs_ends_up_with_6(model: Model, folder: Path) -> None:
    repository = str(model("sleeper", "import time\ntime.sleep(3600)\n"))
    ended = tritongen("up", "--repository", repository, "--timeout", "2", folder=folder)
    assert ended.returncode == 6
    assert "sleeper did not finish loading: nothing happened for 2 s" in ended.stderr


def test_options_after_two_dashes_go_to_the_server(model: Model, folder: Path) -> None:
    model("asked_for")
    repository = str(model("not_asked_for"))
    words = ["--model-control-mode=explicit", "--load-model=asked_for"]
    tritongen("up", "--repository", repository, "-d", "--", *words, folder=folder)
    said = json.loads(tritongen("status", "--json", folder=folder).stdout)
    assert {m["name"]: m["state"] for m in said["models"]} == {
        "asked_for": "READY",
        "not_asked_for": "",
    }


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--repository", "nowhere"], "there is no model repository at"),
        (["--repository", "."], "can't lie in the model repository"),
        (["--repository", ".", "-o", "out"], "holds no models"),
        (["--repository", ".", "--", "surprise"], "'surprise' is no option of tritonserver"),
        (["--repository", ".", "--", "--http-port=x"], "--http-port=x is no port"),
        (["--repository", ".", "--", "--allow-grpc=false"], "--allow-grpc=false can't be used"),
        (["spec.yaml", "--repository", "."], "can't be served at once"),
    ],
)
def test_what_cannot_be_served_ends_up_with_2(folder: Path, words: list[str], text: str) -> None:
    ended = tritongen("up", *words, folder=folder)
    assert ended.returncode == 2
    assert text in ended.stderr
