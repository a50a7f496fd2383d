"""Values with units, as the language's own keys write them."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from tritongen.records.units import Lengths, Range, duration, percentage, rate, size


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (duration, "500ms", 0.5),
        (duration, "60s", 60.0),
        (duration, "1m30s", 90.0),
        (duration, "1h 5min", 3900.0),
        (duration, "250us", 0.00025),
        (duration, ".5s", 0.5),
        (size, "17", 17),
        (size, "64KiB", 65536),
        (size, "1.5MB", 1_500_000),
        (percentage, "0.1%", 0.001),
        (percentage, "100 %", 1.0),
        (rate, "200/s", 200.0),
        (rate, "30/min", 0.5),
        (rate, "7200/h", 2.0),
    ],
)
def test_a_value_is_read_with_its_unit(
    read: Callable[[str], float], text: str, value: float
) -> None:
    assert read(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (duration, "60"),
        (duration, "s"),
        (duration, "-1s"),
        (duration, "1s, 2s"),
        (duration, ""),
        (size, "64K"),
        (size, "KiB"),
        (size, "-1"),
        (size, "²"),
        (percentage, "0.1"),
        (percentage, "101%"),
        (rate, "200"),
        (rate, "200/day"),
        (rate, "/s"),
    ],
)
def test_a_value_without_its_unit_is_refused(read: Callable[[str], float], text: str) -> None:
    with pytest.raises(PydanticCustomError):
        read(text)


@given(st.floats(min_value=0.001, max_value=1e6), st.sampled_from(["us", "ms", "s", "min", "h"]))
def test_any_duration_is_read_back(number: float, unit: str) -> None:
    seconds = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}[unit]
    assert duration(f"{number:.6f}{unit}") == pytest.approx(round(number, 6) * seconds, rel=1e-6)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_any_range_is_read_back(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert Range.model_validate(f"{low}..{high}") == Range(low=low, high=high)
    assert Lengths.model_validate(f"{low}B .. {high}B") == Lengths(low=low, high=high)


@given(st.text(max_size=20))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    for read in (duration, size, percentage, rate):
        with suppress(PydanticCustomError):
            assert read(text) >= 0
