"""Latencies counted at 3 significant digits, and what can be said of them.

While requests are sent they are counted here, in the buckets of an HdrHistogram: its Python port
takes 3 us for a value, and 2 ms of standstill for a histogram's text. What was counted becomes an
`HdrHistogram` once the run is over; adding counts merges workers without loss.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import sqrt
from typing import Any

from hdrh.histogram import HdrHistogram

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
LONGEST_US = 24 * 3600 * 1_000_000
NORMAL_95 = 1.96


class Counts:
    """How many values fell into each bucket; buckets are never wider than a thousandth."""

    def __init__(self, flat: Iterable[int] = ()) -> None:
        """Take up what `flat` of another one gave."""
        each = iter(flat)
        self.buckets: dict[int, int] = dict(zip(each, each, strict=True))

    def add(self, value: int) -> None:
        """Count a value, in microseconds; below 0 is 0."""
        value = max(value, 0)
        # The 11 leading bits, and how many were cut.
        cut = max(value.bit_length() - 11, 0)
        bucket = (cut << 10) + (value >> cut)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Counts) -> None:
        """Add what another one counted."""
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def flat(self) -> list[int]:
        """Return buckets and counts in turn, to be sent."""
        return [number for pair in self.buckets.items() for number in pair]

    def __len__(self) -> int:
        return sum(self.buckets.values())

    def at(self, *quantiles: float) -> list[int | None]:
        """Return the least values that these shares of all reach; nothing if none was counted."""
        if not self.buckets:
            return [None] * len(quantiles)
        order = sorted(self.buckets)
        reached = list(accumulate(self.buckets[bucket] for bucket in order))
        needed = [max(quantile * reached[-1], 1) - 1e-9 for quantile in quantiles]
        return [_lowest(order[_first(reached, need)]) for need in needed]

    def until(self, bounds: Sequence[int]) -> list[int]:
        """Return how many values are no more than each of these, in microseconds."""
        order = sorted(self.buckets)
        reached = [0, *accumulate(self.buckets[bucket] for bucket in order)]
        lowest = [_lowest(bucket) for bucket in order]
        return [reached[bisect_right(lowest, bound)] for bound in bounds]

    def sum(self) -> int:
        """Return the sum of all values, in microseconds."""
        return sum(_lowest(bucket) * count for bucket, count in self.buckets.items())

    def distribution(self) -> dict[str, Any] | None:
        """Return the figures of a distribution as ``results.json`` has them."""
        if not self.buckets:
            return None
        hdr = HdrHistogram(1, LONGEST_US, 3)
        for bucket, count in self.buckets.items():
            hdr.record_value(max(_lowest(bucket), 1), count)
        return {
            "count": hdr.get_total_count(),
            "min": hdr.get_min_value(),
            "max": hdr.get_max_value(),
            "mean": round(hdr.get_mean_value(), 1),
            **{name: hdr.get_value_at_percentile(100 * q) for name, q in PERCENTILES.items()},
            "ci": {name: self.interval(q) for name, q in PERCENTILES.items()},
            "histogram": hdr.encode().decode("ascii"),
        }

    def interval(self, quantile: float) -> list[int | None]:
        """Return where a quantile lies with 95% confidence: between two of the ordered values.

        Their ranks are the binomial's, so nothing is assumed of the distribution.
        """
        count = len(self)
        spread = NORMAL_95 * sqrt(count * quantile * (1 - quantile))
        low, high = (count * quantile - spread) / count, (count * quantile + spread + 1) / count
        bounds = self.at(max(low, 0.0), min(high, 1.0))
        return bounds if high <= 1 else [bounds[0], None]


def _first(reached: list[int], need: float) -> int:
    return next(i for i, count in enumerate(reached) if count >= need)


def _lowest(bucket: int) -> int:
    """Return the least value of a bucket."""
    cut = max((bucket >> 10) - 1, 0)
    return (bucket - (cut << 10)) << cut
