"""Is B worse than A beyond noise?"""

from itertools import cycle, islice

import pytest
from tests.unit.measure.made import figures, latency, load, measurement

from tritongen.records.measurement import Figures
from tritongen.stages.measure import compare
from tritongen.stages.measure.compare import interval, judge


def run(rate: float, p50: float, spread: float = 0.01, seconds: int = 60) -> Figures:
    """A run whose seconds go up and down by ``spread`` around their mean."""
    swings = islice(cycle([1.0, 1 - spread, 1 + spread, 1 - 2 * spread, 1 + 2 * spread]), seconds)
    each = tuple(
        (round(rate * swing), p50 * swing, 3 * p50 * swing, 4 * p50 * swing) for swing in swings
    )
    ci = {key: (0.99 * p50 * k, 1.01 * p50 * k) for key, k in (("p50", 1), ("p95", 3), ("p99", 4))}
    return figures(
        answered=round(rate * seconds),
        rate_rps=rate,
        rate_ci_rps=(0.99 * rate, 1.01 * rate),
        latency=latency(p50, ci_ms=ci),
        seconds=each,
    )


def judged(a: Figures, b: Figures) -> dict[str, str]:
    found = compare(measurement(a), measurement(b))
    return {change.metric: change.judgement for change in found.changes}


def test_a_run_is_not_worse_than_itself() -> None:
    same = run(100, 10)
    assert set(judged(same, same).values()) == {"same"}


def test_a_fifth_slower_is_worse_and_a_fifth_faster_is_better() -> None:
    slower = judged(run(100, 10), run(80, 12.5))
    assert slower["throughput_rps"] == slower["p50_ms"] == slower["p99_ms"] == "worse"
    faster = judged(run(80, 12.5), run(100, 10))
    assert faster["throughput_rps"] == faster["p50_ms"] == "better"


def test_a_fifth_slower_is_unclear_if_the_runs_differ_from_themselves_by_more() -> None:
    noisy = judged(run(100, 10, spread=0.3, seconds=10), run(88, 11.4, spread=0.3, seconds=10))
    assert noisy["throughput_rps"] == noisy["p50_ms"] == "unclear"


def test_differences_below_the_threshold_do_not_matter_however_sure_they_are() -> None:
    assert judge("p50_ms", (10.0, (9.99, 10.01)), (10.4, (10.39, 10.41)), 0.05) == "same"
    assert judge("p50_ms", (10.0, (9.99, 10.01)), (10.6, (10.59, 10.61)), 0.05) == "worse"


def test_what_was_too_little_measured_to_have_an_upper_end_is_never_worse() -> None:
    assert judge("p99_ms", (10.0, (9.0, None)), (50.0, (40.0, 60.0)), 0.05) == "unclear"


def test_more_failures_are_worse_once_there_are_enough_of_them() -> None:
    none = figures(1000)
    few, many = figures(1000, error_rate=0.002), figures(1000, error_rate=0.05)
    assert judged(none, few)["error_rate"] == "unclear"
    assert judged(none, many)["error_rate"] == "worse"


def test_the_interval_is_as_wide_as_the_seconds_of_the_run_differ() -> None:
    calm, wild = interval(run(100, 10), "p50_ms"), interval(run(100, 10, spread=0.5), "p50_ms")
    assert calm is not None
    assert wild is not None
    assert calm[1] is not None
    assert wild[1] is not None
    assert wild[1] - wild[0] > calm[1] - calm[0]


def test_models_of_a_mix_are_compared_each() -> None:
    a, b = run(100, 10), run(50, 30)
    mixed = measurement(a, requests={"x": a, "y": a}), measurement(a, requests={"x": a, "y": b})
    found = compare(*mixed)
    assert {change.requests for change in found.worse} == {"y"}


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ({"distrust": ("it woke up late",)}, "B can't be trusted: it woke up late"),
        ({"partial": "interrupted"}, "B ended early: interrupted"),
        ({"stable": False}, "B was not stable"),
        ({"window_s": 3.0}, "B measured 3 s; its noise is a guess below 10 s"),
        (
            {"load": load(arrivals="8 users")},
            "they sent different loads: arrivals 100/s, poisson and 8 users",
        ),
        (
            {"environment": {"machine": "big"}},
            "measured on different machine: small and big",
        ),
    ],
)
def test_what_makes_two_results_hard_to_compare_is_said(said: dict, doubt: str) -> None:
    a = measurement(environment={"machine": "small"})
    assert compare(a, measurement(**said)).doubts == (doubt,)
