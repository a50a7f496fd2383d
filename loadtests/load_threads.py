"""Users that are real threads, beside gevent, which Locust puts in the place of Python's own.

gRPC under gevent hands every call to a pool of threads and back: 350 us of processor time a call.
In a thread of its own with a channel of its own a user calls for 250 us, as ``tritonclient`` does.
That is for closed loops, whose users are few and busy. In an open loop many threads that are due at
once would keep each other, and the dispatcher, from their turn. What they share needs a lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import monkey

start: Any = monkey.get_original("_thread", "start_new_thread")
new_lock: Any = monkey.get_original("_thread", "allocate_lock")
sleep: Any = monkey.get_original("time", "sleep")


class Slot:
    """Where a thread waits for a value: once."""

    def __init__(self) -> None:
        """Begin without a value."""
        self.empty = new_lock()
        self.empty.acquire()
        self.value: float | None = None

    def set(self, value: float | None) -> None:
        """Let the thread go on."""
        self.value = value
        self.empty.release()

    def get(self) -> float | None:
        """Wait for the value."""
        self.empty.acquire()
        return self.value


def run(work: Callable[[], None]) -> None:
    """Run something in a thread while this greenlet waits; what it raises is raised here."""
    hub, raised = gevent.get_hub(), []
    ended = hub.loop.async_()

    def go() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)
        finally:
            ended.send()

    start(go, ())
    hub.wait(ended)
    if raised:
        raise raised[0]
