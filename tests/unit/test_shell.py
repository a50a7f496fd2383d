"""Starting a program: where it runs, what it is given, and with whom it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tritongen import shell
from tritongen.errors import ToolMissingError

SHOW = "import os, sys; print(os.getcwd(), sys.argv[1:], os.environ.get('SAID'), flush=True)"
PATIENCE_S = 20


def started(folder: Path, *arguments: str, tied: bool = False) -> shell.Process:
    return shell.start(
        [sys.executable, "-c", *arguments],
        environment={"PATH": "/nowhere", "SAID": "a b"},
        folder=folder,
        log=folder / "log",
        tied=tied,
    )


@pytest.mark.parametrize("tied", [True, False])
def test_a_program_gets_its_words_as_they_are(tmp_path: Path, tied: bool) -> None:
    folder = tmp_path / "a folder; $(touch here)"
    folder.mkdir()
    words = ["", "-n", "$HOME", "a  b", "'", "$(touch there)"]
    process = started(folder, SHOW, *words, tied=tied)
    assert process.wait(PATIENCE_S)
    assert process.exit_code() == 0
    assert (folder / "log").read_text() == f"{folder} {words} a b\n"


def test_what_is_tied_ends_when_we_are_killed(tmp_path: Path) -> None:
    script = f"""
import os, signal, sys
from pathlib import Path
from tritongen import shell
process = shell.start(
    [sys.executable, "-c", "import time; time.sleep(60)"],
    environment={{}}, folder=Path("/"), log=Path({str(tmp_path / "log")!r}), tied=True,
)
print(process.pid, process.started, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    pid, began = map(int, done.stdout.split())
    deadline = time.monotonic() + PATIENCE_S
    while shell.start_time(pid) == began:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_is_out_of_reach_of_the_terminal(tmp_path: Path) -> None:
    process = started(tmp_path, "import time; time.sleep(60)")
    try:
        assert os.getsid(process.pid) == process.pid
    finally:
        process.end(PATIENCE_S)


def test_a_missing_setpriv_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="setpriv") as caught:
        started(tmp_path, "pass", tied=True)
    assert "util-linux" in caught.value.fix


def test_a_program_is_gone_when_the_last_of_its_threads_is(tmp_path: Path) -> None:
    # Of a killed server the first thread may end before the others: nobody can reap it then.
    code = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(1,)).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    process = started(tmp_path, code)
    stat = Path(f"/proc/{process.pid}/stat")
    while ") Z" not in stat.read_text():
        time.sleep(0.01)

    assert process.alive()
    assert process.wait(PATIENCE_S)
    assert process.exit_code() is not None
    assert not stat.exists()


def test_memory_is_that_of_all_processes_of_a_session_what_they_share_left_out(
    tmp_path: Path,
) -> None:
    holds = "import os, time; os.fork(); kept = os.urandom(50 << 20); print(1, flush=True); "
    holds += "time.sleep(60)"
    process = started(tmp_path, holds)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while (tmp_path / "log").read_text().count("\n") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert 100 < shell.memory_bytes(process.pid) / 2**20 < 140
    finally:
        process.end(PATIENCE_S)
    assert shell.memory_bytes(process.pid) == 0
