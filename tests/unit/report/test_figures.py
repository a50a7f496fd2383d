"""Axes, figures and distributions of the report."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritongen.records.measurement import Measurement
from tritongen.stages.report.axis import (
    linear,
    logarithmic,
    milliseconds,
    nines,
    number,
    percentile,
    share,
    span,
    whole,
)
from tritongen.stages.report.histogram import columns, counted, curve

positive = st.floats(min_value=1e-3, max_value=1e9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.089, "89 µs"),
        (0.9994, "999 µs"),
        (0.99951, "1 ms"),
        (16.343, "16.3 ms"),
        (999.4, "999 ms"),
        (999.6, "1 s"),
        (102_463, "102 s"),
    ],
)
def test_a_time_has_three_digits_and_the_unit_that_suits_it(value: float, text: str) -> None:
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.00001, "< 0.01%"), (0.001, "0.1%"), (0.7519, "75.2%")]
)
def test_a_small_share_is_not_shown_as_nothing(value: float, text: str) -> None:
    assert share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "p50"), (0.999, "p99.9"), (0.999999, "p99.9999")]
)
def test_a_percentile_keeps_its_nines(value: float, text: str) -> None:
    assert percentile(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((33.2, 36.9), "33.2 to 36.9 ms"),
        ((0.9, 1.2), "900 µs to 1.2 ms"),
        ((17.7, None), "17.7 ms or more"),
        ((0, 2), "0 to 2 ms"),
    ],
)
def test_an_interval_says_its_unit_once(values: tuple[float, float | None], text: str) -> None:
    assert span(values, milliseconds) == text


@given(positive, st.floats(min_value=1.001, max_value=1e6))
def test_a_logarithmic_axis_holds_its_values(low: float, ratio: float) -> None:
    axis = logarithmic(low, low * ratio, number)
    assert 0 <= axis.place(low) < axis.place(low * ratio) <= 1
    assert all(axis.low <= value <= axis.high for value, _ in axis.ticks)


@given(positive)
def test_a_linear_axis_ends_at_or_above_its_values_with_few_round_ticks(high: float) -> None:
    axis = linear(0, high, number)
    assert axis.high >= high
    assert 2 <= len(axis.ticks) <= 7
    assert [axis.place(value) for value, _ in axis.ticks] == sorted(
        axis.place(value) for value, _ in axis.ticks
    )


def test_an_axis_of_time_ends_where_the_run_did() -> None:
    axis = whole(-3, 31, number)
    assert (axis.low, axis.high) == (-3, 31)
    assert [value for value, _ in axis.ticks] == [0, 10, 20, 30]


def test_each_nine_takes_equal_room_and_the_last_tick_was_measured() -> None:
    axis = nines(1500)
    places = [axis.place(value) for value in (0.0, 0.9, 0.99, 0.999)]
    steps = [b - a for a, b in pairwise(places)]
    assert steps == pytest.approx([steps[0]] * 3)
    assert axis.ticks[-1][1] == "p99.9"


def test_the_curve_goes_through_the_percentiles_that_were_told(measured: Measurement) -> None:
    values = counted(measured.client["total"]["latency_us"]["histogram"])
    latency = measured.total.latency
    assert latency is not None
    points = curve(values)
    assert points == sorted(points)
    assert points[-1][1] == pytest.approx(latency.max_ms, rel=1e-3)
    for share_, told in ((0.5, latency.p50_ms), (0.99, latency.p99_ms)):
        reached = max(value for at, value in points if at <= share_)
        assert reached == pytest.approx(told, rel=0.05)


def test_the_columns_of_a_histogram_hold_every_value_once(measured: Measurement) -> None:
    values = counted(measured.client["total"]["latency_us"]["histogram"])
    found = columns(values)
    assert sum(column.count for column in found) == measured.total.answered
    for column in found:
        inside = sum(n for value, n in values if column.low <= value < column.high)
        assert column.count == inside


@given(st.dictionaries(positive, st.integers(min_value=1, max_value=10**6), min_size=1))
def test_any_values_have_a_curve_and_columns(counts: dict[float, int]) -> None:
    values = sorted(counts.items())
    assert sum(column.count for column in columns(values)) == sum(counts.values())
    points = curve(values)
    assert points == sorted(points)
    assert points[-1][1] == values[-1][0]


def test_text_that_is_no_histogram_is_refused() -> None:
    with pytest.raises(ValueError, match="no HdrHistogram"):
        counted("HIST?")
