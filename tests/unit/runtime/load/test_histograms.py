"""What was counted, and what is said of it."""

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st
from load_histograms import Counts

VALUES = st.lists(st.integers(0, 10**10), min_size=1, max_size=50)


def counted(values: list[int]) -> Counts:
    counts = Counts()
    for value in values:
        counts.add(value)
    return counts


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_quantiles_are_right_to_a_thousandth(values: list[int]) -> None:
    for quantile in (0.01, 0.5, 0.99, 1.0):
        exact = float(np.quantile(values, quantile, method="inverted_cdf"))
        (found,) = counted(values).at(quantile)

        assert found is not None
        assert found <= exact <= found * 1.001


@settings(deadline=None, max_examples=50)
@given(VALUES, VALUES)
def test_merged_counts_are_those_of_all_values(some: list[int], others: list[int]) -> None:
    merged = counted(some)
    merged.merge(Counts(counted(others).flat()))

    assert merged.buckets == counted(some + others).buckets
    assert len(merged) == len(some) + len(others)


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_a_histogram_is_what_the_library_counts_by_itself(values: list[int]) -> None:
    hdr = HdrHistogram(1, 24 * 3600 * 10**6, 3)
    for value in values:
        hdr.record_value(max(value, 1))
    said = counted(values).distribution()

    assert said is not None
    read = HdrHistogram.decode(said["histogram"])
    assert said["count"] == read.get_total_count() == len(values)
    for name, percentile in (("p50", 50), ("p99", 99)):
        assert said[name] == read.get_value_at_percentile(percentile)
        assert said[name] == hdr.get_value_at_percentile(percentile)


def test_nothing_has_no_distribution() -> None:
    assert Counts().distribution() is None
    assert Counts().at(0.5, 0.9) == [None, None]


def test_values_below_zero_are_zero() -> None:
    assert counted([-5]).buckets == {0: 1}


@pytest.mark.parametrize("quantile", [0.5, 0.99])
def test_intervals_hold_the_true_quantile_nineteen_times_of_twenty(quantile: float) -> None:
    rng = np.random.default_rng(5)
    true = -np.log(1 - quantile) * 10_000
    hits = 0
    for _ in range(400):
        values = rng.exponential(10_000, 1000).astype(int).tolist()
        low, high = counted(values).interval(quantile)
        hits += low is not None and high is not None and low <= true <= high

    assert 0.92 < hits / 400 < 0.99


def test_an_interval_is_open_where_too_few_were_measured() -> None:
    low, high = counted(list(range(100))).interval(0.999)

    assert low is not None
    assert high is None
