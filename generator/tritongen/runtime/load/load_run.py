"""One worker's part of a run: the users' requests, sent when they are due.

In an open loop a dispatcher hands each request that is due to a user that waits. It does not look
at answers, so a slow server delays no request, unless all users wait for theirs: then a request is
handed to the first that is free, late, and its latency counts from when it was due.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import gevent
import load_arrivals
import load_payloads
import numpy as np
from gevent.event import AsyncResult
from load_answers import Failure, check
from load_connections import Connection, Protocols, Reply, Requests
from load_payloads import Sample
from load_requests import Step
from load_scenario import Request, Scenario
from load_tally import Recorder

IDLE_S = 0.02
"""How often users that are not at work look whether they are, and lateness is measured."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which worker this is, of how many, and where its numbers begin."""

    worker: int = 0
    workers: int = 1
    base: int = 0

    def numbers(self, first: int) -> Iterator[int]:
        """Yield numbers from ``first`` on that no other worker yields."""
        return count(first + self.worker, self.workers)


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
            if self._descriptor is None:
                gevent.sleep(rest)
            else:
                _wait(self._descriptor, rest)

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
    made = ctypes.CDLL(None).timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    return made if made >= 0 else None


def _wait(descriptor: int, seconds: float) -> None:
    after = max(round(seconds * 1e9), 1)
    times = _Times(0, 0, *divmod(after, 1_000_000_000))
    ctypes.CDLL(None).timerfd_settime(descriptor, 0, ctypes.byref(times), None)
    hub = gevent.get_hub()
    hub.wait(hub.loop.io(descriptor, 1))
    os.read(descriptor, 8)


# ---- what is sent ----


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """A kind of request with its samples made ready."""

    request: Request
    samples: Sequence[Sample]
    ready: Requests


def prepare(scenario: Scenario, protocol: Protocols) -> tuple[Kind, ...]:
    """Read all payloads and make them ready; raise ``ScenarioError`` if they can't be."""
    kinds = []
    for request in scenario.requests:
        samples = load_payloads.read(request.payload)
        ready = protocol.requests(request, samples)
        kinds.append(Kind(request=request, samples=samples, ready=ready))
    return tuple(kinds)


class Choices:
    """What a worker sends next: kinds by their weights, samples in order."""

    def __init__(self, kinds: Sequence[Kind], seed: int, place: Place) -> None:
        """Choose for one worker."""
        self.kinds = kinds
        self.rng = np.random.default_rng([seed, place.worker])
        self.samples = {kind: place.numbers(0) for kind in kinds}
        self.numbers = place.numbers(place.base)
        self.ids = {
            kind: place.numbers(kind.request.sequence.first_id)
            for kind in kinds
            if kind.request.sequence
        }
        shares = np.array([_starts(kind.request) for kind in kinds])
        self.reached = np.cumsum(shares / shares.sum())
        self.drawn: list[int] = []

    def kind(self) -> Kind:
        """Return the kind of the next request or sequence."""
        if len(self.kinds) == 1:
            return self.kinds[0]
        if not self.drawn:
            drawn = np.searchsorted(self.reached, self.rng.random(1024), "right")
            self.drawn = np.minimum(drawn, len(self.kinds) - 1).tolist()
        return self.kinds[self.drawn.pop()]


def _starts(request: Request) -> float:
    """Return how often a request or sequence of this kind begins: its weight is of requests."""
    if request.sequence is None:
        return request.weight
    return request.weight / float(np.mean([length for _, length in request.sequence.steps]))


class Turns:
    """What one user sends: the next of its sequence if it has one, else what is chosen."""

    def __init__(self, choices: Choices) -> None:
        """Begin without a sequence."""
        self.choices = choices
        self.sequence: Iterator[tuple[Kind, int, Step | None]] = iter(())

    def next(self) -> tuple[Kind, int, Step | None]:
        """Return a kind, the number of its sample, and where in a sequence it is."""
        turn = next(self.sequence, None)
        if turn is not None:
            return turn
        kind = self.choices.kind()
        number = next(self.choices.samples[kind])
        if kind.request.sequence is None:
            return kind, number % len(kind.samples), None
        self.sequence = self._begin(kind, number)
        return next(self.sequence)

    def _begin(self, kind: Kind, number: int) -> Iterator[tuple[Kind, int, Step | None]]:
        sequence = kind.request.sequence
        assert sequence is not None
        first, length = sequence.steps[number % len(sequence.steps)]
        plain = next(self.choices.ids[kind])
        name = str(plain) if sequence.id == "text" else plain
        for i in range(length):
            step = Step(correlation_id=name, start=i == 0, end=i == length - 1)
            yield kind, (first + i) % len(kind.samples), step

    def give_up(self) -> None:
        """Leave a sequence: after a failure the server may not know it any more."""
        self.sequence = iter(())


# ---- when it is sent ----


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
                self.recorder.lag.add(round((self.clock.now() - due) * 1e6))
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
            self.recorder.lag.add(round((self.clock.now() - now - IDLE_S) * 1e6))
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
        loop = ClosedLoop if scenario.arrivals.closed else OpenLoop
        self.loop: ClosedLoop | OpenLoop = loop(scenario, place, clock, self.recorder)
        self.choices = Choices(kinds, scenario.seed, place)
        self.patience_s = max(kind.request.timeout_s for kind in kinds)

    def dispatch(self) -> None:
        """Let the users send until the time is over, then count what could not be sent."""
        self.loop.dispatch()
        self.count_unsent()

    def stop(self) -> None:
        """End early: requests on their way stay uncounted."""
        self.loop.end()

    def count_unsent(self) -> None:
        """Count what was due and never handed out, under what would have been sent."""
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
        turns = Turns(self.choices)
        while (turn := self.loop.next(number)) is not None:
            due, waited = turn
            self._send(turns, connection, due, waited)

    def _send(self, turns: Turns, connection: Connection, due: float, waited: bool) -> None:
        kind, sample, step = turns.next()
        name, data = kind.request.name, kind.ready.encode(sample, next(self.choices.numbers), step)
        sent = self.clock.now() if not self.scenario.arrivals.closed else due
        self.recorder.sent(name, due, sent, waited)
        try:
            reply = connection.exchange(kind.request, data)
            done = self.clock.now()
            self._check(kind, sample, reply)
        except Failure as failure:
            done = self.clock.now()
            self.recorder.failed(name, due, done, failure)
            self.told(kind.request, done - due, 0, failure)
            turns.give_up()
            return
        self.recorder.answered(name, due, sent, done)
        if self.scenario.protocol == "grpc-stream":
            self.recorder.streamed(name, due, [at - self.clock.zero for at in reply.times])
        size = sum(len(answer.body) for answer in reply.answers)
        self.told(kind.request, done - due, size, None)

    def _check(self, kind: Kind, sample: int, reply: Reply) -> None:
        expect = kind.request.expect
        if expect is not None:
            whole = len(reply.answers) == 1
            for answer in reply.answers:
                check(expect, kind.samples[sample], answer, whole=whole)
