"""Two measurements held against each other: is the second worse beyond their noise?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev
from typing import Literal

from tritongen.records.measurement import Figures, Interval, Measurement

THRESHOLD = 0.05
"""A difference smaller than this does not matter, however sure it is."""
PARTS = 10
"""Independent parts that a run is cut into, to see how much it differs from itself."""
T_95 = 2.262
"""Student's t for ten parts."""
METRICS = ("throughput_rps", "p50_ms", "p95_ms", "p99_ms", "error_rate")
FEWEST_S = 10

Judgement = Literal["same", "better", "worse", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One metric of both: ``change`` is B over A less one, ``None`` where A is nothing.

    ``unclear``: they differ by more than the threshold, and noise can be the reason.
    """

    requests: str
    metric: str
    a: float
    b: float
    a_ci: Interval | None
    b_ci: Interval | None
    change: float | None
    judgement: Judgement


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All metrics, and what makes the two hard to compare."""

    changes: tuple[Change, ...]
    doubts: tuple[str, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """What got worse beyond noise."""
        return tuple(change for change in self.changes if change.judgement == "worse")


def compare(a: Measurement, b: Measurement, threshold: float = THRESHOLD) -> Comparison:
    """Say of every metric whether B is better or worse than A beyond noise and ``threshold``."""
    names = [name for name in a.requests if name in b.requests]
    pairs = [("all", a.total, b.total)]
    if len(names) > 1:
        pairs += [(name, a.requests[name], b.requests[name]) for name in names]
    changes = [
        change
        for name, first, second in pairs
        for metric in METRICS
        for change in _change(name, metric, first, second, threshold)
    ]
    return Comparison(changes=tuple(changes), doubts=tuple(_doubts(a, b)))


def _doubts(a: Measurement, b: Measurement) -> Iterator[str]:
    for label, each in (("A", a), ("B", b)):
        for reason in each.distrust:
            yield f"{label} can't be trusted: {reason}"
        if each.partial:
            yield f"{label} ended early: {each.partial}"
        if each.stable is False:
            yield f"{label} was not stable"
        if each.window_s < FEWEST_S:
            yield f"{label} measured {each.window_s:g} s; its noise is a guess below {FEWEST_S} s"
    for key in ("name", "protocol", "models", "arrivals", "seed"):
        before, after = getattr(a.load, key), getattr(b.load, key)
        if before != after:
            yield f"they sent different loads: {key} {before} and {after}"
    for key in sorted({*a.environment} & {*b.environment}):
        if a.environment[key] != b.environment[key]:
            yield f"measured on different {key}: {a.environment[key]} and {b.environment[key]}"


def _change(name: str, metric: str, a: Figures, b: Figures, threshold: float) -> Iterator[Change]:
    first, second = value(a, metric), value(b, metric)
    if first is None or second is None:
        return
    first_ci, second_ci = interval(a, metric), interval(b, metric)
    yield Change(
        requests=name,
        metric=metric,
        a=first,
        b=second,
        a_ci=first_ci,
        b_ci=second_ci,
        change=second / first - 1 if first else None,
        judgement=judge(metric, (first, first_ci), (second, second_ci), threshold),
    )


def judge(
    metric: str,
    a: tuple[float, Interval | None],
    b: tuple[float, Interval | None],
    threshold: float,
) -> Judgement:
    """Judge one metric: its values and intervals before and after."""
    (before, before_ci), (after, after_ci) = a, b
    if abs(after - before) <= threshold * abs(before) or before == after:
        return "same"
    if before_ci is None or after_ci is None or _overlap(before_ci, after_ci):
        return "unclear"
    higher_is_better = metric == "throughput_rps"
    return "better" if (after > before) == higher_is_better else "worse"


def _overlap(a: Interval, b: Interval) -> bool:
    (a_low, a_high), (b_low, b_high) = (
        (low, math.inf if high is None else high) for low, high in (a, b)
    )
    return a_low <= b_high and b_low <= a_high


def value(figures: Figures, metric: str) -> float | None:
    """Return a metric of a run."""
    if metric == "throughput_rps":
        return figures.rate_rps
    if metric == "error_rate":
        return figures.error_rate
    found: float | None = getattr(figures.latency, metric) if figures.latency else None
    return found


def interval(figures: Figures, metric: str) -> Interval | None:
    """Return a metric's 95% interval, as wide as the run's own ups and downs make it.

    The order statistics of one distribution do not see that a machine is slower for some seconds;
    the seconds of the run do.
    """
    if metric == "throughput_rps":
        parts = _parts([float(answered) for answered, *_ in figures.seconds])
        return _wider(figures.rate_rps, figures.rate_ci_rps, parts)
    if metric == "error_rate":
        return _proportion(figures)
    found = value(figures, metric)
    if found is None or figures.latency is None:
        return None
    place = {"p50_ms": 1, "p95_ms": 2, "p99_ms": 3}[metric]
    each = [second[place] for second in figures.seconds]
    parts = _parts([seen for seen in each if seen is not None])
    return _wider(found, figures.latency.ci_ms.get(metric.removesuffix("_ms")), parts)


def _parts(seconds: Sequence[float]) -> list[float]:
    """Return the means of equal parts of a run; fewer than the seconds depend on each other."""
    count = min(PARTS, len(seconds))
    bounds = [round(number * len(seconds) / count) for number in range(count + 1)] if count else []
    return [fmean(seconds[low:high]) for low, high in pairwise(bounds)]


def _wider(found: float, known: Interval | None, parts: Sequence[float]) -> Interval | None:
    """Return the interval that holds both the known one and that of the parts' spread."""
    if len(parts) < 3:
        return known
    half = T_95 * stdev(parts) / math.sqrt(len(parts))
    low, high = max(found - half, 0.0), found + half
    if known is None:
        return low, high
    return min(low, known[0]), None if known[1] is None else max(high, known[1])


def _proportion(figures: Figures) -> Interval | None:
    """Return Wilson's interval of the share that failed."""
    count, share, z = figures.offered, figures.error_rate, 1.96
    if not count:
        return None
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    spread = math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    half = z * spread / (1 + z * z / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)
