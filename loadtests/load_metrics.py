"""What load tests do, as text for Prometheus: counted on from run to run, as counters are.

Every series of a run has the labels ``loadtest`` and ``request``. The warm-up is counted too, with
``phase="warmup"``; what is in ``results.json`` has ``phase="measured"``. Times are seconds; latency
counts from when a request was due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from load_histograms import Counts
from load_tally import Tally, microseconds

BOUNDS_S = tuple(
    float(f"{step}e{power}")
    for power in range(-4, 2)
    for step in (1, 1.5, 2, 3, 5, 7)
    if (power, step) >= (-4, 5)
)
"""From half a millisecond to 70 seconds, close enough for quantiles within a tenth or so."""

BOUNDS_US = tuple(map(microseconds, BOUNDS_S))

Labels = Mapping[str, object]
Samples = Iterable[tuple[str, Labels, float]]
"""What is added to a metric's name, labels, and the value."""


@dataclass
class Sum:
    """The requests of one name, over all runs of a load test."""

    offered: int = 0
    answered: int = 0
    unsent: int = 0
    failed: dict[tuple[str, str], int] = field(default_factory=dict)
    latency: Counts = field(default_factory=Counts)

    def add(self, tally: Tally) -> None:
        """Add what a worker counted."""
        self.offered += tally.offered
        self.answered += tally.answered
        self.unsent += tally.unsent
        self.latency.merge(tally.latency)
        for (kind, code, _), count in tally.failures.items():
            self.failed[kind, code] = self.failed.get((kind, code), 0) + count


@dataclass(frozen=True, kw_only=True)
class Now:
    """What runs: the name of a load test, ``""`` if none, its users, the workers that report."""

    loadtest: str = ""
    users: int = 0
    workers: int = 0


class Metrics:
    """What the workers of all runs told."""

    def __init__(self, loadtests: Mapping[str, Sequence[str]]) -> None:
        """Begin with nothing; these load tests can be run, each with requests of these names.

        Their counters are there from the begin, at 0: a rate misses what a new series begins with.
        """
        self.loadtests = tuple(loadtests)
        self.sums = {
            (loadtest, request, phase): Sum()
            for loadtest, requests in loadtests.items()
            for request in requests
            for phase in ("warmup", "measured")
        }
        self.in_flight: dict[str, int] = {}
        self.cpu: dict[str, float] = {}

    def count(self, loadtest: str, worker: str, told: Mapping[str, Any]) -> None:
        """Add what a worker told."""
        self.in_flight[worker], self.cpu[worker] = told["counted"]["in_flight"], told["cpu"]
        for second, request, packed in told["counted"]["tallies"]:
            key = (loadtest, request, "measured" if second >= 0 else "warmup")
            self.sums.setdefault(key, Sum()).add(Tally.unpacked(packed))

    def end(self) -> None:
        """Forget the workers: a run is over."""
        self.in_flight, self.cpu = {}, {}

    def text(self, now: Now) -> str:
        """Return all of it in Prometheus' text format."""
        return "".join(self._lines(now))

    def _lines(self, now: Now) -> Iterator[str]:
        running = [("", {"loadtest": name}, name == now.loadtest) for name in self.loadtests]
        yield from _metric("running", "gauge", running)
        for name, value in (
            ("users", now.users),
            ("workers", now.workers),
            ("in_flight", sum(self.in_flight.values())),
            ("worker_cpu_ratio", max(self.cpu.values(), default=0)),
        ):
            yield from _metric(name, "gauge", [("", {}, value)])
        for name in ("offered", "answered", "unsent"):
            values = [("", labels, getattr(each, name)) for labels, each in self._each()]
            yield from _metric(f"requests_{name}_total", "counter", values)
        failed = [
            ("", {**labels, "kind": kind, "code": code}, count)
            for labels, each in self._each()
            for (kind, code), count in sorted(each.failed.items())
        ]
        yield from _metric("requests_failed_total", "counter", failed)
        latency = [line for labels, each in self._each() for line in _histogram(labels, each)]
        yield from _metric("latency_seconds", "histogram", latency)

    def _each(self) -> Iterator[tuple[Labels, Sum]]:
        for (loadtest, request, phase), each in sorted(self.sums.items()):
            yield {"loadtest": loadtest, "request": request, "phase": phase}, each


HELP = {
    "running": "Whether this load test runs now",
    "users": "Requests that can be on their way at once",
    "workers": "Workers that take part in the load test and report",
    "in_flight": "Requests on their way, as workers told a second ago at most",
    "worker_cpu_ratio": "Share of one core that the busiest worker uses; near 1 it is too slow",
    "requests_offered_total": "Requests that were due",
    "requests_answered_total": "Requests that were answered as expected",
    "requests_unsent_total": "Requests that were due and found no free user before the end",
    "requests_failed_total": "Requests that failed, by kind and by the protocol's code",
    "latency_seconds": "Time from when a request was due to its answer; failures are not in it",
}


def _histogram(labels: Labels, each: Sum) -> Samples:
    reached = each.latency.until(BOUNDS_US)
    for bound, count in zip(BOUNDS_S, reached, strict=True):
        yield "_bucket", {**labels, "le": f"{bound:g}"}, count
    yield "_bucket", {**labels, "le": "+Inf"}, len(each.latency)
    yield "_sum", labels, each.latency.sum() / 1e6
    yield "_count", labels, len(each.latency)


def _metric(name: str, kind: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP loadtest_{name} {HELP[name]}.\n# TYPE loadtest_{name} {kind}\n"
    for suffix, labels, value in samples:
        said = ",".join(f'{key}="{_escaped(str(text))}"' for key, text in labels.items())
        place = f"{{{said}}}" if said else ""
        yield f"loadtest_{name}{suffix}{place} {float(value)!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
