"""Finds the highest rate at which the objectives still hold: bracket, bisect, repeat."""

from collections.abc import Callable
from dataclasses import dataclass

PRECISION = 0.05
"""The search ends when the highest rate that holds and the lowest that fails are so near."""
CONFIRM = 2
"""A rate holds if it holds so often; it fails as soon as most of its windows do."""
FACTOR = 2.0
LOWEST_RPS = 0.1


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One window at one rate: whether the objectives held, and what was seen, in words."""

    rate_rps: float
    held: bool
    seen: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where the limit is: ``low_rps`` holds (0 if nothing did), ``high_rps`` does not.

    ``high_rps`` is ``None`` if every rate held that there was time for. ``complete`` tells that
    the two are near each other, not that time ran out.
    """

    low_rps: float
    high_rps: float | None
    complete: bool
    probes: tuple[Probe, ...]

    @property
    def interval(self) -> tuple[float, float | None]:
        """Return the rates below which every window held, and above which none did."""
        failed = [each.rate_rps for each in self.probes if not each.held]
        held = [each.rate_rps for each in self.probes if each.held]
        low = min([self.low_rps, *failed])
        return low, None if self.high_rps is None else max([self.high_rps, *held])


def search(
    evaluate: Callable[[float], Probe],
    start_rps: float,
    *,
    time_left: Callable[[], float],
    window_s: float,
) -> Search:
    """Return the highest rate that keeps the objectives, with its bounds.

    ``evaluate`` measures one window of ``window_s`` at a rate; ``time_left`` says how many seconds
    the search may still take. The rate is doubled, or halved, until the limit lies between two
    rates, which then come nearer to each other; each rate is measured until two windows agree.
    """
    probes: list[Probe] = []

    def holds(rate: float) -> bool | None:
        """Measure a rate until two windows agree; ``None`` if there is no time for it."""
        held = failed = 0
        while max(held, failed) < CONFIRM:
            if time_left() < window_s:
                return None
            probe = evaluate(rate)
            probes.append(probe)
            held, failed = held + probe.held, failed + (not probe.held)
        return held > failed

    low, high = _bracket(holds, start_rps)
    while low > 0 and high is not None and high > low * (1 + PRECISION):
        middle = (low * high) ** 0.5
        found = holds(middle)
        if found is None:
            break
        low, high = (middle, high) if found else (low, middle)
    near = high is not None and low > 0 and high <= low * (1 + PRECISION)
    return Search(low_rps=low, high_rps=high, complete=near, probes=tuple(probes))


def _bracket(holds: Callable[[float], bool | None], start_rps: float) -> tuple[float, float | None]:
    """Return a rate that holds (0: none was found) and one that does not (``None``: none)."""
    rate = start_rps
    first = holds(rate)
    if first is None:
        return 0.0, None
    low, high = (rate, None) if first else (0.0, rate)
    while (high is None or low == 0.0) and rate > LOWEST_RPS:
        rate = rate * FACTOR if first else rate / FACTOR
        found = holds(rate)
        if found is None:
            break
        low, high = (rate, high) if found else (low, rate)
    return low, high
