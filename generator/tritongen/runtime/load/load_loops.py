"""When a worker's users send: in closed loops, and in open loops by greenlets or by threads.

Open loops do not look at answers, so a slow server delays no request, unless all users wait for
theirs: then a request is sent by the first that is free, late, and its latency counts from when it
was due.
"""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from itertools import takewhile
from typing import Any

import gevent
import load_arrivals
import load_clock
import load_threads
from gevent.event import AsyncResult
from load_choices import Place
from load_clock import Clock
from load_scenario import Scenario
from load_tally import Recorder, microseconds

IDLE_S = 0.02
"""How often users that are not at work look whether they are, and lateness is measured."""


class Users:
    """How users wait: as greenlets, or as threads, which take turns with what they share."""

    def __init__(self, threads: bool) -> None:
        """Say which they are."""
        self.threads = threads
        self.lock: Any = load_threads.new_lock() if threads else nullcontext()
        self.sleep: Any = load_threads.sleep if threads else gevent.sleep


class OpenLoop:
    """Hands requests to users that are greenlets when they are due."""

    def __init__(self, scenario: Scenario, place: Place, clock: Clock, recorder: Recorder) -> None:
        """Hand out what is due on one worker."""
        self.scenario, self.clock, self.recorder = scenario, clock, recorder
        self.due = load_arrivals.due(scenario, place.worker, place.workers)
        # The user that waited last has the warmest connection; sequences take turns.
        self.in_turn = any(request.sequence for request in scenario.requests)
        self.idle: deque[AsyncResult[float | None]] = deque()
        self.backlog: deque[float] = deque()
        self.over = False
        self.overdue: list[float] = []

    def dispatch(self) -> None:
        """Hand out all of them, then tell the users that it is over."""
        for due in self.due:
            if due > self.clock.now():
                self.clock.until(due)
                self.recorder.lag.add(microseconds(self.clock.now() - due))
            if self.idle:
                (self.idle.popleft() if self.in_turn else self.idle.pop()).set(due)
            else:
                self.backlog.append(due)
        self.clock.until(self.scenario.duration_s)
        self.end()

    def next(self, number: int) -> tuple[float, bool] | None:
        """Wait for a request; return when it was due and whether it had to wait, none at the end.

        ``number`` is the user's.
        """
        if self.over:
            return None
        if self.backlog:
            return self.backlog.popleft(), True
        turn: AsyncResult[float | None] = AsyncResult()
        self.idle.append(turn)
        due = turn.get()
        return None if due is None else (due, False)

    def end(self) -> None:
        """Hand out nothing more; what is left in the backlog is not sent."""
        self.over = True
        self.overdue = list(self.backlog)
        self.backlog.clear()
        while self.idle:
            self.idle.pop().set(None)


class OpenThreads:
    """Lets users that are threads take each the next time there is, and sleep until then.

    So whoever is free has the earliest, and none has to be woken by another.
    """

    def __init__(
        self, scenario: Scenario, place: Place, clock: Clock, recorder: Recorder, lock: Any
    ) -> None:
        """Give out what is due on one worker; ``lock`` is for all that the users share."""
        self.scenario, self.clock, self.recorder, self.lock = scenario, clock, recorder, lock
        self.due = load_arrivals.due(scenario, place.worker, place.workers)
        self.begun: set[int] = set()
        self.waiting: set[load_threads.Slot] = set()
        self.over = False
        self.overdue: list[float] = []
        load_clock.wake_threads_in_time()

    def dispatch(self) -> None:
        """Wait for the end."""
        self.clock.until(self.scenario.duration_s)
        self.end()

    def next(self, number: int) -> tuple[float, bool] | None:
        """Wait for a request; return when it was due and whether it had to wait, none at the end.

        ``number`` is the user's.
        """
        slot = load_threads.Slot()
        with self.lock:
            due, now = None if self.over else next(self.due, None), self.clock.now()
            if due is None:
                return None
            free = bool(self.waiting) or number not in self.begun
            self.begun.add(number)
            if due <= now:
                return due, not free
            self.waiting.add(slot)
        slot.wait(due - now)
        with self.lock:
            self.waiting.discard(slot)
            now = self.clock.now()
            if self.over and now < due:
                return None
            self.recorder.lag.add(microseconds(now - due))
        return due, False

    def end(self) -> None:
        """Give out nothing more; what was due and not taken is not sent."""
        with self.lock:
            if not self.over:
                now = self.clock.now()
                self.overdue = list(takewhile(lambda due: due <= now, self.due))
            self.over = True
            for slot in self.waiting:
                slot.go()
            self.waiting.clear()


class ClosedLoop:
    """Lets users send as soon as they have their answer."""

    def __init__(
        self, scenario: Scenario, place: Place, clock: Clock, recorder: Recorder, users: Users
    ) -> None:
        """Say for one worker which of its users are at work."""
        self.scenario, self.place, self.clock, self.users = scenario, place, clock, users
        stages = scenario.arrivals.stages
        self.steady = len({level for each in stages for level in (each.start, each.end)}) == 1
        self.curve = load_arrivals.Curve(stages, -scenario.warmup_s, scenario.duration_s)
        self.recorder = recorder
        self.over = False
        self.overdue: list[float] = []

    def dispatch(self) -> None:
        """Wait for the end, and note how late this worker wakes up."""
        while not self.over and (now := self.clock.now()) < self.scenario.duration_s:
            self.clock.until(now + IDLE_S)
            self.recorder.lag.add(microseconds(self.clock.now() - now - IDLE_S))
        self.end()

    def next(self, number: int) -> tuple[float, bool] | None:
        """Return when a user is to send: now, or when there are so many users; none at the end."""
        everywhere = number * self.place.workers + self.place.worker
        while not self.over and (now := self.clock.now()) < self.scenario.duration_s:
            if now >= -self.scenario.warmup_s and (self.steady or everywhere < self.curve.at(now)):
                return now, False
            self.users.sleep(IDLE_S)
        return None

    def end(self) -> None:
        """Let no user send any more."""
        self.over = True


def loop(
    scenario: Scenario, place: Place, clock: Clock, recorder: Recorder, users: Users
) -> ClosedLoop | OpenLoop | OpenThreads:
    """Return the loop of one worker's users."""
    if scenario.arrivals.closed:
        return ClosedLoop(scenario, place, clock, recorder, users)
    if users.threads:
        return OpenThreads(scenario, place, clock, recorder, users.lock)
    return OpenLoop(scenario, place, clock, recorder)
