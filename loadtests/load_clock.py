"""The clock of a run, and waiting for its times more exactly than gevent does."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from contextlib import suppress
from typing import Any

import gevent

EARLY_S = 200e-6
"""How long before its time a wait goes on without sleeping: waking up takes about half of it."""

LOST_S = 0.02
"""How long after its time a wait no longer counts on the timer: a lost event delays one request."""

LIBC: Any = ctypes.CDLL(None)


class Clock:
    """Seconds of the run: 0 is the end of the warm-up."""

    def __init__(self, zero: float) -> None:
        """Make the clock that is 0 when `time.perf_counter` is ``zero``."""
        self.zero = zero
        self._descriptor = _timer()

    def now(self) -> float:
        """Return the time."""
        return time.perf_counter() - self.zero

    def until(self, due: float) -> None:
        """Let the others go on until ``due``; gevent's own timers are up to 1 ms late."""
        while (rest := due - self.now()) > 0:
            if rest <= EARLY_S or self._descriptor is None:
                gevent.sleep(0 if rest <= EARLY_S else rest)
            else:
                _wait(self._descriptor, rest - EARLY_S)

    def close(self) -> None:
        """Give the timer back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class _Times(ctypes.Structure):
    """Linux's ``struct itimerspec``."""

    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("after_s", ctypes.c_long),
        ("after_ns", ctypes.c_long),
    )


def _timer() -> int | None:
    """Return Linux's timer that can be waited for like a socket; none elsewhere."""
    if sys.platform != "linux":
        return None
    made: int = LIBC.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    return made if made >= 0 else None


def _wait(descriptor: int, seconds: float) -> None:
    times = _Times(0, 0, *divmod(max(round(seconds * 1e9), 1), 1_000_000_000))
    LIBC.timerfd_settime(descriptor, 0, ctypes.byref(times), None)
    hub = gevent.get_hub()
    with gevent.Timeout(seconds + LOST_S, False):
        hub.wait(hub.loop.io(descriptor, 1))
    with suppress(BlockingIOError):  # woken without reason: the caller looks at the time again
        os.read(descriptor, 8)
