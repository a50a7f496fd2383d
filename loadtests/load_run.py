"""One worker's part of a run: the users' requests, sent when `load_loops` says so, and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import load_loops
from load_answers import Failure, check
from load_choices import Choices, Kind, Place, Turns
from load_clock import Clock
from load_connections import Connection, Reply
from load_scenario import Request, Scenario
from load_tally import Recorder

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
        self.loop = load_loops.loop(scenario, place, clock, self.recorder)
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
        return self.recorder.take()

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
        data = kind.ready.encode(sample, next(self.choices.numbers), step)
        sent = due if self.scenario.arrivals.closed else self.clock.now()
        self.recorder.sent(kind.request.name, due, sent, waited)
        reply, failure = Reply(()), None
        try:
            reply = connection.exchange(kind.request, data)
            done = self.clock.now()
            self._check(kind, sample, reply)
            self._answered(kind.request, due, sent, done, reply)
        except Failure as raised:
            done, failure = self.clock.now(), raised
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
