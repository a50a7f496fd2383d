"""Time, and cores that are shared by whoever computes: each thread gets the same part of them."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count, cycle
from typing import Any

Call = Callable[[float, Any], None]


class Agenda:
    """What happens when, in order; a call gets the time and its argument. Times are in ms.

    ``wake()`` is how much later a thread runs than it was woken: the values of ``wakes``, over and
    over.
    """

    __slots__ = ("events", "heap", "number", "wake")

    def __init__(self, wakes: Sequence[float]) -> None:
        self.heap: list[tuple[float, int, Call, Any]] = []
        self.number = count().__next__
        self.wake = cycle(wakes).__next__
        self.events = 0

    def run(self, until: float) -> None:
        """Make all calls that are due before a time."""
        heap, done = self.heap, 0
        while heap and heap[0][0] < until:
            now, _, call, argument = heappop(heap)
            call(now, argument)
            done += 1
        self.events += done


class Cores:
    """Cores as a queue that serves all at once.

    A job's work is done at the rate ``cores / threads at work``, at most 1; all have the same rate,
    so the order in which they end is that of the work done when they began plus their own.
    ``background`` threads compute always.
    """

    def __init__(self, cores: float | None, agenda: Agenda) -> None:
        self.limited = cores is not None
        self.cores = cores or 0.0
        self.agenda = agenda
        self.background = 0.0
        self.threads = 0
        self.done = 0.0
        self.at = 0.0
        self.turn = 0
        self.jobs: list[tuple[float, int, int, Call, Any]] = []

    def add(self, now: float, work: float, threads: int, call: Call, argument: Any) -> None:
        """Do so much work on so many threads, then call."""
        self._advance(now)
        heappush(self.jobs, (self.done + work, self.agenda.number(), threads, call, argument))
        self.threads += threads
        self._plan()

    def _rate(self) -> float:
        asked = self.threads + self.background
        return 1.0 if asked <= self.cores else self.cores / asked

    def _advance(self, now: float) -> None:
        self.done += (now - self.at) * self._rate()
        self.at = now

    def _plan(self) -> None:
        self.turn += 1
        if self.jobs:
            end = self.at + max(self.jobs[0][0] - self.done, 0.0) / self._rate()
            agenda = self.agenda
            heappush(agenda.heap, (end, agenda.number(), self._end, self.turn))

    def _end(self, now: float, turn: int) -> None:
        if turn != self.turn:
            return
        self._advance(now)
        finished, _, threads, call, argument = heappop(self.jobs)
        self.done = finished
        self.threads -= threads
        self._plan()
        call(now, argument)
