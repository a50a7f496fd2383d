"""When a worker's users send: in open loops and in closed loops.

Open loops do not look at answers, so a slow server delays no request, unless all users wait for
theirs: then a request is sent by the first that is free, late, and its latency counts from when it
was due.
"""

from __future__ import annotations

from collections import deque

import gevent
import load_arrivals
from gevent.event import AsyncResult
from load_choices import Place
from load_clock import Clock
from load_scenario import Scenario
from load_tally import Recorder, microseconds

IDLE_S = 0.02
"""How often users that are not at work look whether they are, and lateness is measured."""


class OpenLoop:
    """Hands requests to users when they are due."""

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


class ClosedLoop:
    """Lets users send as soon as they have their answer."""

    def __init__(self, scenario: Scenario, place: Place, clock: Clock, recorder: Recorder) -> None:
        """Say for one worker which of its users are at work."""
        self.scenario, self.place, self.clock = scenario, place, clock
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
            gevent.sleep(IDLE_S)
        return None

    def end(self) -> None:
        """Let no user send any more."""
        self.over = True


def loop(
    scenario: Scenario, place: Place, clock: Clock, recorder: Recorder
) -> ClosedLoop | OpenLoop:
    """Return the loop of one worker's users."""
    kind = ClosedLoop if scenario.arrivals.closed else OpenLoop
    return kind(scenario, place, clock, recorder)
