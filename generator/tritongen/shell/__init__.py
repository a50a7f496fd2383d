"""The one door to other programs: start one, see whether it is still the same, end it."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from tritongen.errors import ToolMissingError

IN_FOLDER = 'cd "$0" && exec "$@"'
TIED = f'test "$PPID" = "$1" && shift && {IN_FOLDER}'
"""The kernel is asked to end us with our parent; who was orphaned before that ends at once."""


@dataclass(frozen=True)
class Process:
    """A process; ``started`` (clock ticks since boot) tells it from a later one of the same pid."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Return whether it still runs; a child of ours that ended is reaped."""
        # In this order: one that ends in between is seen the next time, and reaped.
        if start_time(self.pid) == self.started:
            return True
        self.exit_code()
        return False

    def exit_code(self) -> int | None:
        """Return how a child of ours ended, negative for a signal; ``None`` if not known."""
        if self.pid in ENDED:
            return ENDED[self.pid]
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return None
        if not pid:
            return None
        return ENDED.setdefault(pid, os.waitstatus_to_exitcode(status))

    def end(self, grace_s: float) -> bool:
        """Ask it to end and wait; after ``grace_s`` kill it. Return whether it ended by itself.

        What it started and left behind in its session is killed too.
        """
        if not self.alive():
            return True
        os.kill(self.pid, signal.SIGTERM)
        try:
            return self.wait(grace_s)
        finally:
            if self.alive():
                os.kill(self.pid, signal.SIGKILL)
                self.wait(10)
            end_session(self.pid)

    def wait(self, seconds: float) -> bool:
        """Wait until it is gone; return whether it is."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


ENDED: dict[int, int] = {}
"""Exit codes of children that were reaped: the kernel tells them only once."""


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    tied: bool,
) -> Process:
    """Start a program in a session of its own; both its outputs are added to ``log``.

    ``tied``: it gets SIGTERM when the calling thread ends, also by SIGKILL. Raises
    ``ToolMissingError`` where there is no ``setpriv``.
    """
    # No interpreter of ours in between: a shell starts in a tenth of its time.
    leash = ["/bin/sh", "-c", IN_FOLDER, str(folder), *command]
    if tied:
        leash = ["/bin/sh", "-c", TIED, str(folder), str(os.getpid()), *command]
        leash = [setpriv(), "--pdeathsig", "TERM", *leash]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        leash[0],
        leash,
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    ENDED.pop(pid, None)
    return Process(pid, start_time(pid) or 0)


def setpriv() -> str:
    """Return where util-linux's ``setpriv`` is."""
    if found := which("setpriv"):
        return found
    raise ToolMissingError(
        "there is no program `setpriv`",
        why="it asks the kernel to end what we started when we end, however that happens",
        fix="install util-linux 2.33 or newer: apt-get install util-linux",
    )


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; ``None`` if it is gone."""
    stat = _stat(pid)
    # A zombie whose other threads are still ending is not gone, and can't be reaped.
    if stat is None or (stat[0] in "ZX" and int(stat[17]) <= 1):
        return None
    return int(stat[19])


def name(pid: int) -> str:
    """Return a process's program, as ``ps`` shows it; empty if it is gone or not ours to see."""
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def end_session(leader: int, *, having: str = "", grace_s: float = 2.0) -> None:
    """Kill what is left of the session that a process led, after giving it a moment to go.

    ``having`` (``NAME=value``) must be in the environment of those: of a leader that is gone
    nothing else tells whether its number was given to another program.
    """
    began = time.monotonic()
    while members := _session(leader, having):
        waited = time.monotonic() - began
        if waited > grace_s + 10:
            return
        for pid in members if waited > grace_s else ():
            _kill(pid)
        time.sleep(0.05)


def _session(leader: int, having: str) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    stats = ((pid, _stat(pid)) for pid in pids if pid != leader)
    members = (
        pid for pid, stat in stats if stat and stat[0] not in "ZX" and int(stat[3]) == leader
    )
    return [pid for pid in members if not having or having in _environment(pid)]


def _environment(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/environ").read_text("utf-8", "replace").split("\0")
    except OSError:
        return []


def _stat(pid: int) -> list[str] | None:
    """Return the fields of ``/proc/<pid>/stat`` that follow the name, which may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def how_it_ended(code: int | None) -> str:
    """Say an exit code in words: ``exit code 1``, ``killed by SIGSEGV``."""
    if code is None:
        return "exit code not known"
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def cpu_seconds(leader: int) -> float:
    """Return the processor time that a process and those of its session have used so far.

    Theirs that have ended count, too, or it would fall when an instance is unloaded.
    """
    stats = filter(None, (_stat(pid) for pid in (leader, *_session(leader, ""))))
    ticks = sum(sum(map(int, stat[11:15])) for stat in stats)
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(leader: int) -> int:
    """Return the memory that a process and those of its session hold, what they share left out."""
    pages = 0
    for pid in (leader, *_session(leader, "")):
        with suppress(OSError):
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
            pages += int(resident) - int(shared)
    return pages * os.sysconf("SC_PAGE_SIZE")
