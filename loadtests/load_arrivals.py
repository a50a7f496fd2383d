"""When requests are due, or how many users are at work: exact, and the same for a seed.

All workers draw the same times and each takes every n-th. So they have the law that was asked for
together, whatever it is and however many they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import numpy.typing as npt
from load_scenario import Arrivals, Scenario, ScenarioError, Stage

Times = npt.NDArray[np.float64]
DRAWN = 4096
"""How many times are drawn at once."""


class Curve:
    """A level (requests per second, users) over time: that of the first stage before 0."""

    def __init__(self, stages: tuple[Stage, ...], begin: float, end: float) -> None:
        """Make the curve of stages from 0 on, for times from ``begin`` (0 or less) to ``end``."""
        before = Stage(start=stages[0].start, end=stages[0].start, seconds=-begin)
        after = Stage(start=stages[-1].end, end=stages[-1].end, seconds=max(end, 1.0))
        pieces = [piece for piece in (before, *stages, after) if piece.seconds > 0]
        seconds = np.array([piece.seconds for piece in pieces])
        self.levels = np.array([piece.start for piece in pieces])
        self.slopes = np.array([piece.end - piece.start for piece in pieces]) / seconds
        self.begins = begin + np.concatenate([[0.0], np.cumsum(seconds)])
        areas = (self.levels + self.slopes * seconds / 2) * seconds
        self.areas = np.concatenate([[0.0], np.cumsum(areas)])

    def at(self, time: float) -> float:
        """Return the level at a time."""
        i = int(np.searchsorted(self.begins[:-1], time, "right")) - 1
        return float(self.levels[i] + self.slopes[i] * (time - self.begins[i]))

    def times(self, areas: Times) -> Times:
        """Return where the area below the curve reaches these values (above 0); inf if nowhere."""
        i = np.searchsorted(self.areas, areas, "left") - 1
        inside = i < len(self.levels)
        i = np.minimum(i, len(self.levels) - 1)
        level, slope, rest = self.levels[i], self.slopes[i], areas - self.areas[i]
        root = np.sqrt(np.maximum(level**2 + 2 * slope * rest, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.begins[i] + 2 * rest / (level + root)
        return np.where(inside & np.isfinite(found), found, np.inf)


def due(scenario: Scenario, worker: int = 0, workers: int = 1) -> Iterator[float]:
    """Yield the times at which a worker's requests are due, warm-up first; open loops only.

    Raises `ScenarioError` if a trace can't be read.
    """
    number = 0
    for times in _all(scenario):
        kept = times[times < scenario.duration_s]
        yield from kept[(worker - number) % workers :: workers].tolist()
        if len(kept) < len(times):
            return
        number += len(times)


def _all(scenario: Scenario) -> Iterator[Times]:
    """Yield all times in order, some at once; may go beyond the end."""
    arrivals, begin = scenario.arrivals, -scenario.warmup_s
    if arrivals.law == "burst":
        first = int(np.ceil(begin / arrivals.every_s))
        yield from (np.full(arrivals.size, k * arrivals.every_s) for k in count(first))
    elif arrivals.law == "trace":
        times = trace(arrivals)
        mean = len(times) / scenario.duration_s
        if scenario.warmup_s:
            yield np.arange(begin, -1e-9, 1 / mean)
        yield np.concatenate([times, [np.inf]])
    else:
        curve = Curve(arrivals.stages, begin, scenario.duration_s)
        yield from map(curve.times, _areas(arrivals, scenario.seed))


def _areas(arrivals: Arrivals, seed: int) -> Iterator[Times]:
    """Yield the process that has one arrival per unit, on average or exactly."""
    rng, reached = np.random.default_rng(seed), 0.0
    while True:
        gaps = rng.exponential(size=DRAWN) if arrivals.law == "poisson" else np.ones(DRAWN)
        areas = reached + np.cumsum(gaps)
        reached = float(areas[-1])
        # Half a unit later the first of equal distances has half a distance before it.
        yield areas if arrivals.law == "poisson" else areas - 0.5


def trace(arrivals: Arrivals) -> Times:
    """Read the times of a trace, in seconds; raise `ScenarioError` if they are not in order."""
    try:
        if arrivals.file.suffix == ".npy":
            times: Times = np.load(arrivals.file, allow_pickle=False).astype(np.float64)
        else:
            lines = arrivals.file.read_text("utf-8").splitlines()
            times = np.array([float(line.split(",")[0]) for line in lines if line.strip()])
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{arrivals.file}: not a trace: {error}") from None
    if times.ndim != 1 or not len(times) or times[0] < 0 or (np.diff(times) < 0).any():
        raise ScenarioError(f"{arrivals.file}: needs one time or more from 0 on, in order")
    return times
