"""One worker's part of a run: the users' requests, sent when they are due.

In an open loop a dispatcher hands each request that is due to a user that waits. It does not look
at answers, so a slow server delays no request, unless all users wait for theirs: then a request is
handed to the first that is free, late, and its latency counts from when it was due.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import gevent
import load_arrivals
import load_threads
from gevent.event import AsyncResult
from load_answers import Failure, check
from load_choices import Choices, Kind, Place, Turns
from load_clock import Clock
from load_connections import Connection, Reply
from load_scenario import Request, Scenario
from load_tally import Recorder

IDLE_S = 0.02
"""How often users that are not at work look whether they are, and lateness is measured."""


class Users:
    """How users wait: as greenlets, or as threads, which take turns with what they share."""

    def __init__(self, threads: bool) -> None:
        """Say which they are."""
        self.threads = threads
        self.lock: Any = load_threads.new_lock() if threads else nullcontext()
        self.slot: Any = load_threads.Slot if threads else AsyncResult
        self.sleep: Any = load_threads.sleep if threads else gevent.sleep


class OpenLoop:
    """Hands requests to users when they are due."""

    def __init__(
        self, scenario: Scenario, place: Place, clock: Clock, recorder: Recorder, users: Users
    ) -> None:
        """Hand out what is due on one worker."""
        self.scenario, self.clock, self.recorder, self.users = scenario, clock, recorder, users
        self.due = load_arrivals.due(scenario, place.worker, place.workers)
        # The user that waited last has the warmest connection; sequences take turns.
        self.in_turn = any(request.sequence for request in scenario.requests)
        self.idle: deque[Any] = deque()
        self.backlog: deque[float] = deque()
        self.over = False
        self.overdue: list[float] = []

    def dispatch(self) -> None:
        """Hand out all of them, then tell the users that it is over."""
        for due in self.due:
            if due > self.clock.now():
                self.clock.until(due)
                self.recorder.lag.add(round((self.clock.now() - due) * 1e6))
            with self.users.lock:
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
        with self.users.lock:
            if self.over:
                return None
            if self.backlog:
                return self.backlog.popleft(), True
            turn = self.users.slot()
            self.idle.append(turn)
        due = turn.get()
        return None if due is None else (due, False)

    def end(self) -> None:
        """Hand out nothing more; what is left in the backlog is not sent."""
        with self.users.lock:
            self.over = True
            self.overdue = list(self.backlog)
            self.backlog.clear()
            while self.idle:
                self.idle.pop().set(None)


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
            self.recorder.lag.add(round((self.clock.now() - now - IDLE_S) * 1e6))
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


Told = Callable[[Request, float, int, Failure | None], None]
"""Is told of each request: its kind, its latency in seconds, its answer's bytes, its failure."""


class Part:
    """What one worker does in a run."""

    def __init__(
        self,
        scenario: Scenario,
        kinds: Sequence[Kind],
        place: Place,
        clock: Clock,
        told: Told = lambda kind, seconds, size, failure: None,
    ) -> None:
        """Begin a part; the users' `work` and `dispatch` run side by side."""
        self.scenario, self.clock, self.told = scenario, clock, told
        self.recorder = Recorder()
        self.users = Users(scenario.threads)
        loop = ClosedLoop if scenario.arrivals.closed else OpenLoop
        self.loop: ClosedLoop | OpenLoop = loop(scenario, place, clock, self.recorder, self.users)
        self.choices = Choices(kinds, scenario.seed, place)
        self.patience_s = max(kind.request.timeout_s for kind in kinds)

    def dispatch(self) -> None:
        """Let the users send until the time is over, then count what could not be sent."""
        self.loop.dispatch()
        self.count_unsent()

    def stop(self) -> None:
        """End early: requests on their way stay uncounted."""
        self.loop.end()

    def take(self) -> dict[str, Any]:
        """Return what was counted since the last time."""
        self.count_unsent()
        with self.users.lock:
            return self.recorder.take()

    def count_unsent(self) -> None:
        """Count what was due and never handed out, under what would have been sent."""
        with self.users.lock:
            for due in self.loop.overdue:
                self.recorder.unsent(self.choices.kind().request.name, due)
            self.loop.overdue = []

    @property
    def done(self) -> bool:
        """Tell whether nothing more can come."""
        late = self.clock.now() > self.scenario.duration_s + self.patience_s + 1
        return self.loop.over and (self.recorder.in_flight == 0 or late)

    def work(self, number: int, connection: Connection) -> None:
        """Be a user: send what is handed out, one after the other, until the end."""
        if self.users.threads:
            load_threads.run(lambda: self._work(number, connection))
        else:
            self._work(number, connection)

    def _work(self, number: int, connection: Connection) -> None:
        turns = Turns(self.choices)
        while (turn := self.loop.next(number)) is not None:
            due, waited = turn
            self._send(turns, connection, due, waited)

    def _send(self, turns: Turns, connection: Connection, due: float, waited: bool) -> None:
        with self.users.lock:
            kind, sample, step = turns.next()
            data = kind.ready.encode(sample, next(self.choices.numbers), step)
            sent = due if self.scenario.arrivals.closed else self.clock.now()
            self.recorder.sent(kind.request.name, due, sent, waited)
        reply, failure = Reply(()), None
        try:
            reply = connection.exchange(kind.request, data)
            done = self.clock.now()
            self._check(kind, sample, reply)
        except Failure as raised:
            done, failure = self.clock.now(), raised
        with self.users.lock:
            if failure is None:
                self._answered(kind.request, due, sent, done, reply)
            else:
                self.recorder.failed(kind.request.name, due, done, failure)
                turns.give_up()
            size = sum(len(answer.body) for answer in reply.answers)
            self.told(kind.request, done - due, size, failure)

    def _answered(
        self, request: Request, due: float, sent: float, done: float, reply: Reply
    ) -> None:
        self.recorder.answered(request.name, due, sent, done)
        if self.scenario.protocol == "grpc-stream":
            times = [at - self.clock.zero for at in reply.times]
            self.recorder.streamed(request.name, due, times)

    def _check(self, kind: Kind, sample: int, reply: Reply) -> None:
        expect = kind.request.expect
        if expect is not None:
            whole = len(reply.answers) == 1
            for answer in reply.answers:
                check(expect, kind.samples[sample], answer, whole=whole)
