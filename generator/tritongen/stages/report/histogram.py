"""What an HdrHistogram's text holds, as points of a percentile curve and as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

Counted = Sequence[tuple[float, int]]
"""Values in milliseconds in order, and how many of each."""

CURVE_POINTS = 240


@dataclass(frozen=True)
class Column:
    """How many values lie between two."""

    low: float
    high: float
    count: int


def counted(text: str) -> Counted:
    """Return the values of a histogram of microseconds; raise ``ValueError`` if it is none."""
    from hdrh.histogram import HdrHistogram

    try:
        histogram = HdrHistogram.decode(text)
    except Exception as error:
        # The port raises its own types, zlib's, binascii's and ctypes' alike.
        raise ValueError(f"no HdrHistogram: {error}") from error
    every = ((i, histogram.get_count_at_index(i)) for i in range(histogram.counts_len))
    return [(histogram.get_value_from_index(i) / 1000, n) for i, n in every if n]


def curve(values: Counted) -> list[tuple[float, float]]:
    """Return (share of all that are no greater, value); dense where it matters: at the top."""
    total = sum(n for _, n in values)
    points: list[tuple[float, float]] = []
    reached, last = 0, 0.0
    for value, n in values:
        # All that share a value: the curve steps up to it before the first of them.
        for rank in (reached, reached + n):
            share = min(rank, total - 1) / total
            nines = -log(1 - share) if share else 0.0
            if not points or nines - last >= log(total) / CURVE_POINTS or rank >= total:
                points.append((share, value))
                last = nines
        reached += n
    return points


def columns(values: Counted, most: int = 48) -> list[Column]:
    """Return columns of equal ratio from the least value to the greatest."""
    low, high = max(values[0][0], 0.001), max(values[-1][0], 0.001) * 1.0001
    # Below a thousandth the histogram itself has steps: columns would be empty in turns.
    number = max(min(most, int(log(high / low) / 0.02)), 1)
    edges = [low * (high / low) ** (i / number) for i in range(number + 1)]
    counts = [0] * number
    i = 0
    for value, n in values:
        while i < number - 1 and value >= edges[i + 1]:
            i += 1
        counts[i] += n
    return [Column(a, b, n) for (a, b), n in zip(pairwise(edges), counts, strict=True)]
