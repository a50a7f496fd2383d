"""How the program ends: at once, with the exit code that it has."""

from __future__ import annotations

import os
import sys
from typing import Any

from gevent import monkey

start: Any = monkey.get_original("_thread", "start_new_thread")
sleep: Any = monkey.get_original("time", "sleep")


def leave(exit_code: int) -> None:
    """End without what Python does at its end: it waits for threads, whoever they belong to."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def fail(code: int, message: str) -> None:
    """Say why, and end."""
    sys.stderr.write(f"load: {message}\n")
    leave(code)


def end_in(seconds: float, code: int) -> None:
    """End in any case, from a thread that gevent knows nothing of."""

    def wait() -> None:
        sleep(seconds)
        os._exit(code)

    start(wait, ())
