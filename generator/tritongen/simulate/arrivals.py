"""When the requests of an open load test are due, by the same laws as the load program's."""

from collections.abc import Iterator, Sequence
from itertools import chain, count, repeat
from math import ceil
from typing import Any

from tritongen.records.loadtest import Arrivals, Stage

DRAWN = 1024
"""How many times are drawn at once; how many does not change them."""


def due_ms(
    arrivals: Arrivals, rng: Any, *, trace_s: Sequence[float] = (), warmup_s: float = 0.0
) -> Iterator[float]:
    """Yield times in ms from 0 on, in order; stages and a trace begin after the warm-up.

    ``rng`` is a numpy Generator; with the same seed and warm-up the load program's requests are due
    at the same times. A trace's warm-up has its mean rate; it ends when it ends.
    """
    if arrivals.burst:
        every, size = arrivals.burst.every, arrivals.burst.size
        first = ceil(-warmup_s / every)  # there is one when the warm-up ends
        times = (1000 * (warmup_s + k * every) for k in count(first))
        return chain.from_iterable(repeat(time, size) for time in times)
    if arrivals.constant:
        gap = 1000 / arrivals.constant.rate
        return ((k + 0.5) * gap for k in count())
    if arrivals.poisson:
        return _poisson(arrivals.poisson.rate, rng)
    if arrivals.stages:
        return _staged(arrivals.stages, warmup_s)
    return _traced(trace_s, warmup_s)


def _poisson(rate: float, rng: Any) -> Iterator[float]:
    now = 0.0
    while True:
        for gap in rng.exponential(1000 / rate, DRAWN).tolist():
            now += gap
            yield now


def _staged(stages: Sequence[Stage], warmup_s: float) -> Iterator[float]:
    """Yield a time whenever the area below the rate reaches a whole number and a half."""
    first = stages[0].start if stages[0].start is not None else stages[0].rate
    pieces = [(warmup_s, first, first)]
    pieces += [(s.duration, s.rate if s.start is None else s.start, s.rate) for s in stages]
    begin, area, number = 0.0, 0.0, 0.5
    for seconds, low, high in pieces:
        whole = (low + high) / 2 * seconds
        while number <= area + whole and seconds:
            yield 1000 * (begin + _reached(number - area, low, (high - low) / seconds))
            number += 1
        begin, area = begin + seconds, area + whole


def _reached(area: float, level: float, slope: float) -> float:
    """Return after how long a rate that begins at ``level`` has had an area."""
    root = max(level * level + 2 * slope * area, 0.0) ** 0.5
    return 2 * area / (level + root) if level + root else 0.0


def _traced(times_s: Sequence[float], warmup_s: float) -> Iterator[float]:
    if times_s and warmup_s:
        gap = max(times_s[-1], 1e-3) / len(times_s)
        yield from (1000 * k * gap for k in range(int(warmup_s / gap)))
    yield from (1000 * (warmup_s + time) for time in times_s)
