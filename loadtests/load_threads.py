"""Users that are real threads, beside gevent, which Locust puts in the place of Python's own.

gRPC under gevent hands every call to a pool of threads and back. In a thread of its own with a
channel of its own a user just calls, as ``tritonclient`` does. What they share needs a lock.
That is for closed loops, whose users wait, and for few: of 256 threads in an open loop those that
are due at once keep each other from their turn, and a program that is late once stays so.
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
    """Where a thread waits until another lets it go on."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self.closed = new_lock()
        self.closed.acquire()

    def go(self) -> None:
        """Let the thread go on; before it waits, let it not wait at all."""
        self.closed.release()

    def wait(self, seconds: float = -1) -> None:
        """Wait to go on, not longer than these seconds if there are any."""
        self.closed.acquire(timeout=seconds)


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
