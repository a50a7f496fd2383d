"""Timings of some batch sizes become a table of all: measured where they are, a line elsewhere."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from tritongen.records.profile import StepProfile, Timing

RUN = 30
"""A run counts as no more than so many executions: runs differ by more than what is in one does."""
ENOUGH = 5
"""So many executions make a measured time count as much as the line through all of them."""


def table(step: StepProfile, most: int) -> tuple[float, ...]:
    """Return the ms of executions of 1 to ``most`` rows that nothing disturbs, never falling."""
    measured = by_rows(step.timings)
    fixed, each = line(measured)
    highest = max(measured, default=0)
    guesses: list[tuple[float, float]] = []
    for rows in range(1, most + 1):
        weight, ms = _near(measured, rows)
        guess = fixed + each * rows
        if rows > highest and guesses:
            # Beyond what was measured the line goes on from its end: a step may have come there.
            guess = guesses[-1][1] + each
        guesses.append((weight + ENOUGH, (weight * ms + ENOUGH * guess) / (weight + ENOUGH)))
    return tuple(_rising(guesses))


def _rising(guesses: Sequence[tuple[float, float]]) -> Iterator[float]:
    """Yield the values that never fall and lie nearest to weighted ones: neighbours are pooled."""
    pools: list[tuple[float, float, int]] = []
    for weight, value in guesses:
        pools.append((weight, value, 1))
        while len(pools) > 1 and pools[-2][1] > pools[-1][1]:
            (w, x, n), (v, y, m) = pools.pop(-2), pools.pop()
            pools.append((w + v, (w * x + v * y) / (w + v), n + m))
    for _, value, count in pools:
        yield from repeat(value, count)


def by_rows(timings: Sequence[Timing]) -> dict[int, tuple[float, float]]:
    """Return executions and undisturbed ms by rows."""
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for timing in timings:
        # A time that was slowed down tells much less of the undisturbed one.
        weight = 1 / (1 / timing.executions + 1 / RUN) / timing.slowed**6
        sums[timing.rows][0] += weight
        sums[timing.rows][1] += weight * timing.ms / timing.slowed
    return {rows: (weight, ms / weight) for rows, (weight, ms) in sorted(sums.items())}


def line(measured: Mapping[int, tuple[float, float]]) -> tuple[float, float]:
    """Return a and b of a + b n through the measured times, neither below 0."""
    if not measured:
        return 0.0, 0.0
    # Square roots: a size that was often seen is not all that counts.
    weights = {rows: weight**0.5 for rows, (weight, _) in measured.items()}
    total = sum(weights.values())
    mean_rows = sum(weights[rows] * rows for rows in measured) / total
    mean_ms = sum(weights[rows] * ms for rows, (_, ms) in measured.items()) / total
    above = sum(
        weights[rows] * (rows - mean_rows) * (ms - mean_ms) for rows, (_, ms) in measured.items()
    )
    below = sum(weights[rows] * (rows - mean_rows) ** 2 for rows in measured)
    # One size only: nothing tells what a row more takes, so half of the time is taken to grow.
    each = max(above / below, 0.0) if below else mean_ms / mean_rows / 2
    fixed = mean_ms - each * mean_rows
    return (fixed, each) if fixed >= 0 else (0.0, mean_ms / mean_rows)


def _near(measured: Mapping[int, tuple[float, float]], rows: int) -> tuple[float, float]:
    """Return the weight and ms of a size, from its neighbours if it was not seen itself."""
    if rows in measured:
        return measured[rows]
    below = max((size for size in measured if size < rows), default=None)
    above = min((size for size in measured if size > rows), default=None)
    if below is None or above is None:
        return 0.0, 0.0
    share = (rows - below) / (above - below)
    weight = min(measured[below][0], measured[above][0])
    return weight, (1 - share) * measured[below][1] + share * measured[above][1]
