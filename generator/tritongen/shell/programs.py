"""Runs programs that end by themselves, and talks with those that answer."""

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a program ended, and what it wrote; ``code`` is negative for a signal."""

    code: int
    out: str
    err: str


def run(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, timeout_s: float
) -> Ran:
    """Run a program to its end, out of reach of the terminal's Ctrl-C, and return what it said.

    Raises ``FileNotFoundError`` if there is no such program and ``TimeoutError`` if it takes too
    long; it is killed then, and when we are interrupted.
    """
    try:
        done = subprocess.run(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=timeout_s,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{command[0]} took more than {timeout_s:g} s") from error
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


class Conversation:
    """A program that is told lines and answers each with lines; it ends when it is told no more."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        with log.open("ab") as errors:
            self._program = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._read = b""

    def tell(self, line: str) -> None:
        """Send a line; raises ``BrokenPipeError`` if the program has ended."""
        assert self._program.stdin
        self._program.stdin.write(line.encode() + b"\n")
        self._program.stdin.flush()

    def hear(self, timeout_s: float) -> str | None:
        """Return the next line; ``None`` if it has ended, ``TimeoutError`` if it says nothing."""
        assert self._program.stdout
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._read:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._program.stdout], [], [], left)[0]:
                raise TimeoutError(f"no answer for {timeout_s:g} s")
            more = os.read(self._program.stdout.fileno(), 65536)
            if not more:
                return None
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.decode("utf-8", "replace")

    def end(self, grace_s: float) -> None:
        """Say that there is nothing more to tell, and wait for its end; kill it after that."""
        assert self._program.stdin
        assert self._program.stdout
        with suppress(BrokenPipeError):
            self._program.stdin.close()
        try:
            self._program.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        self._program.stdout.close()
