"""Load tests that end early: Ctrl-C, a server that dies, one that is served for the test only."""

import os
import signal
import time

import pytest
from tests.integration.load_cli.conftest import Project

pytestmark = pytest.mark.server


def wait_for_load(project: Project, seconds: float = 60) -> None:
    """Wait until two seconds of the load test ``long`` were measured."""
    live = project.folder / ".tritongen" / "load" / "long" / "live.jsonl"
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if live.exists() and live.read_text().count("\n") >= 2:
            return
        time.sleep(0.1)
    raise AssertionError("the load test did not begin")


def test_ctrl_c_keeps_what_was_measured_as_partial(served: Project) -> None:
    with served.start("load", "long") as process:
        wait_for_load(served)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    said = served.result("long")
    assert said["partial"] == "interrupted"
    assert 1 <= said["window_s"] < 30
    assert said["total"]["answered"] >= 20
    assert "interrupted: only" in err


def test_a_server_that_dies_ends_the_test_and_what_was_measured_is_kept(served: Project) -> None:
    live = served.folder / ".tritongen" / "load" / "long" / "live.jsonl"
    live.unlink(missing_ok=True)
    pid = served.endpoint()["pid"]
    with served.start("load", "long") as process:
        wait_for_load(served)
        os.kill(pid, signal.SIGKILL)
        _, err = process.communicate(timeout=90)
    assert process.returncode == 6, err
    assert "Traceback" not in err
    said = served.result("long")
    assert said["partial"] == "the server stopped answering"
    assert said["total"]["answered"] >= 20


def test_without_a_running_server_one_is_served_for_the_test_and_stopped(served: Project) -> None:
    served.run("down")
    done = served.load("right")
    assert done.code == 0, done.err
    assert "serving, ready in" in done.err
    assert served.run("status").code == 6
