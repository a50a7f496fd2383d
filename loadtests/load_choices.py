"""What is sent next: kinds by their weights, samples and sequences in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import load_payloads
import numpy as np
from load_connections import Protocols, Requests
from load_payloads import Sample
from load_requests import Step
from load_scenario import Request, Scenario


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which worker this is, of how many, and where its numbers begin."""

    worker: int = 0
    workers: int = 1
    base: int = 0

    def numbers(self, first: int) -> Iterator[int]:
        """Yield numbers from ``first`` on that no other worker yields."""
        return count(first + self.worker, self.workers)


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
