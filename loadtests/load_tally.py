"""What is counted while requests are sent, on each worker, and added up by one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from load_answers import Failure
from load_histograms import Counts

NUMBERS = ("offered", "answered", "failed", "unsent", "waited", "responses")
HISTOGRAMS = ("latency", "service", "lag", "failures_took", "first_response", "between_responses")
MESSAGES = 50
"""Failures told apart by their text, for each request name and worker."""


@dataclass
class Tally:
    """The requests of one name that were due in one second, or in all of them.

    ``waited`` were due while every user was busy. All else as in ``results.json``.
    """

    offered: int = 0
    answered: int = 0
    failed: int = 0
    unsent: int = 0
    waited: int = 0
    responses: int = 0
    latency: Counts = field(default_factory=Counts)
    service: Counts = field(default_factory=Counts)
    lag: Counts = field(default_factory=Counts)
    failures_took: Counts = field(default_factory=Counts)
    first_response: Counts = field(default_factory=Counts)
    between_responses: Counts = field(default_factory=Counts)
    failures: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def merge(self, other: Tally) -> None:
        """Add what another one counted."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in HISTOGRAMS:
            getattr(self, name).merge(getattr(other, name))
        for failure, count in other.failures.items():
            self.failures[failure] = self.failures.get(failure, 0) + count

    def packed(self) -> dict[str, Any]:
        """Return it as plain values, to be sent."""
        histograms = {name: getattr(self, name).flat() for name in HISTOGRAMS}
        failures = [[*failure, count] for failure, count in self.failures.items()]
        numbers = {name: getattr(self, name) for name in NUMBERS}
        return {**numbers, **histograms, "failures": failures}

    @classmethod
    def unpacked(cls, packed: dict[str, Any]) -> Tally:
        """Return what `packed` gave as it was."""
        histograms = {name: Counts(packed[name]) for name in HISTOGRAMS}
        failures = {(kind, code, text): n for kind, code, text, n in packed["failures"]}
        numbers = {name: packed[name] for name in NUMBERS}
        return cls(**numbers, **histograms, failures=failures)  # type: ignore[arg-type]


Key = tuple[int, str]
"""A second and a request's name."""


def microseconds(seconds: float) -> int:
    """Return seconds as whole microseconds."""
    return round(seconds * 1e6)


class Recorder:
    """What one worker counted since it was last asked; times are seconds on the run's clock."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.tallies: dict[Key, Tally] = {}
        self.lag = Counts()
        self.in_flight = 0
        self.texts: dict[str, set[str]] = {}

    def _of(self, due: float, name: str) -> Tally:
        # Rounded down, also before 0.
        key = (int(due // 1), name)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally()
        return tally

    def sent(self, name: str, due: float, sent: float, waited: bool) -> None:
        """Count a request that goes out."""
        self.in_flight += 1
        tally = self._of(due, name)
        tally.offered += 1
        tally.waited += waited
        tally.lag.add(microseconds(sent - due))

    def answered(self, name: str, due: float, sent: float, done: float) -> None:
        """Count an answer."""
        self.in_flight -= 1
        tally = self._of(due, name)
        tally.answered += 1
        tally.latency.add(microseconds(done - due))
        tally.service.add(microseconds(done - sent))

    def streamed(self, name: str, due: float, times: Sequence[float]) -> None:
        """Count the responses of a stream, by the times at which they came."""
        tally = self._of(due, name)
        tally.responses += len(times)
        if times:
            tally.first_response.add(microseconds(times[0] - due))
        for before, after in pairwise(times):
            tally.between_responses.add(microseconds(after - before))

    def failed(self, name: str, due: float, done: float, failure: Failure) -> None:
        """Count a failure."""
        self.in_flight -= 1
        tally = self._of(due, name)
        tally.failed += 1
        tally.failures_took.add(microseconds(done - due))
        texts = self.texts.setdefault(name, set())
        known = failure.message in texts or len(texts) < MESSAGES
        texts.update([failure.message] if known else [])
        key = (failure.kind, failure.code, failure.message if known else "other messages")
        tally.failures[key] = tally.failures.get(key, 0) + 1

    def unsent(self, name: str, due: float) -> None:
        """Count a request that was due and could not be sent before the end."""
        tally = self._of(due, name)
        tally.offered += 1
        tally.unsent += 1

    def take(self) -> dict[str, Any]:
        """Return what was counted since the last time as plain values, and begin again."""
        tallies, self.tallies = self.tallies, {}
        lag, self.lag = self.lag, Counts()
        packed = [[second, name, tally.packed()] for (second, name), tally in tallies.items()]
        return {"tallies": packed, "lag": lag.flat(), "in_flight": self.in_flight}


@dataclass
class Second:
    """A second of the series: what was due in it, by request name."""

    in_flight: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    figures: dict[str, Any] | None = None

    def line(self, number: int) -> dict[str, Any]:
        """Return the second as ``results.json`` has it."""
        if self.figures is None:
            total = Tally()
            for tally in self.tallies.values():
                total.merge(tally)
            names = {name: _figures(tally) for name, tally in sorted(self.tallies.items())}
            flying = sum(self.in_flight.values())
            return {"second": number, **_figures(total), "in_flight": flying, "requests": names}
        return self.figures


def _figures(tally: Tally) -> dict[str, Any]:
    p50, p95, p99 = tally.latency.at(0.5, 0.95, 0.99)
    counts = {name: getattr(tally, name) for name in ("offered", "answered", "failed")}
    return {**counts, "p50_us": p50, "p95_us": p95, "p99_us": p99}


class Measured:
    """All that the workers of a run have told, added up."""

    def __init__(self, duration_s: float, settled_s: float) -> None:
        """Begin with nothing.

        A second is settled, no answer can change it any more, ``settled_s`` after its end.
        Windows are ten parts or more of equally many whole seconds.
        """
        self.settled_s = settled_s
        self.window_s = max(int(duration_s) // 10, 1)
        self.windows = [Counts() for _ in range(int(duration_s) // self.window_s)]
        self.totals: dict[str, Tally] = {}
        self.seconds: dict[int, Second] = {}
        self.lag = Counts()

    def add(self, worker: str, told: dict[str, Any], now: float) -> None:
        """Add what a worker's `Recorder.take` gave; ``now`` on the run's clock."""
        second = self.seconds.setdefault(int(now // 1) - 1, Second())
        second.in_flight[worker] = told["in_flight"]
        if now > 0:
            self.lag.merge(Counts(told["lag"]))
        for number, name, packed in told["tallies"]:
            self._count(number, name, Tally.unpacked(packed))
        self._settle(now)

    def _count(self, number: int, name: str, tally: Tally) -> None:
        second = self.seconds.setdefault(number, Second())
        second.tallies.setdefault(name, Tally()).merge(tally)
        if number >= 0:
            self.totals.setdefault(name, Tally()).merge(tally)
            if number // self.window_s < len(self.windows):
                self.windows[number // self.window_s].merge(tally.latency)

    def _settle(self, now: float) -> None:
        """Keep only the figures of seconds that can't change: hours would fill the memory."""
        for number, second in self.seconds.items():
            if second.figures is None and number + 1 + self.settled_s < now:
                second.figures = second.line(number)
                second.tallies, second.in_flight = {}, {}

    def lines(self, numbers: Iterable[int]) -> list[dict[str, Any]]:
        """Return these seconds as ``results.json`` has them; a second without requests too."""
        return [self.seconds.get(number, Second()).line(number) for number in numbers]

    def total(self) -> Tally:
        """Return all that was due after the warm-up."""
        total = Tally()
        for tally in self.totals.values():
            total.merge(tally)
        return total
