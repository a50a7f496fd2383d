"""When requests are due."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import load_arrivals
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from load_scenario import Arrivals, Scenario, ScenarioError, Stage


def scenario(
    law: str, *stages: Any, duration: float = 10, warmup: float = 0, **more: Any
) -> Scenario:
    arrivals = Arrivals(
        law=law, stages=tuple(Stage(start=a, end=b, seconds=s) for a, b, s in stages), **more
    )
    return Scenario(
        name="",
        seed=1,
        protocol="http",
        address="",
        duration_s=duration,
        warmup_s=warmup,
        max_in_flight=1,
        lag_limit=0.1,
        arrivals=arrivals,
        requests=(),
        text="",
        digest="",
    )


def distance(times: list[float], rate: float) -> float:
    """Return the Kolmogorov-Smirnov distance of the gaps from the exponential law."""
    gaps = np.sort(np.diff(times))
    law = 1 - np.exp(-rate * gaps)
    steps = np.arange(len(gaps) + 1) / len(gaps)
    return float(max((law - steps[:-1]).max(), (steps[1:] - law).max()))


def test_constant_arrivals_are_at_equal_distances_from_the_begin_of_the_warmup() -> None:
    times = list(load_arrivals.due(scenario("constant", (4, 4, 10), duration=1, warmup=0.5)))

    assert times == pytest.approx([-0.375, -0.125, 0.125, 0.375, 0.625, 0.875])


def test_gaps_between_poisson_arrivals_are_exponential() -> None:
    times = list(load_arrivals.due(scenario("poisson", (1000, 1000, 10))))

    assert distance(times, 1000) < 1.63 / len(times) ** 0.5  # the 1% point
    assert len(times) == pytest.approx(10_000, abs=400)


@pytest.mark.parametrize("law", ["constant", "poisson", "burst", "trace"])
def test_workers_share_exactly_the_times_of_one(law: str, tmp_path: Path) -> None:
    np.save(tmp_path / "times.npy", np.sort(np.random.default_rng(0).random(999) * 10))
    said = scenario(law, (500, 2000, 8), warmup=1, size=7, every_s=0.3, file=tmp_path / "times.npy")
    one = list(load_arrivals.due(said))
    shares = [list(load_arrivals.due(said, worker, 3)) for worker in range(3)]

    assert sorted(time for share in shares for time in share) == one
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_stages_change_the_rate_in_equal_parts() -> None:
    said = scenario("constant", (0, 100, 4), (100, 100, 2), (100, 0, 4))
    counts, _ = np.histogram(list(load_arrivals.due(said)), bins=10, range=(0, 10))

    assert counts.tolist() == pytest.approx([12, 38, 62, 88, 100, 100, 88, 62, 38, 12], abs=1)


def test_the_last_level_holds_and_the_first_one_holds_before() -> None:
    said = scenario("constant", (10, 50, 1), duration=3, warmup=2)
    counts, _ = np.histogram(list(load_arrivals.due(said)), bins=5, range=(-2, 3))

    assert counts.tolist() == [10, 10, 30, 50, 50]


def test_nothing_is_due_where_the_rate_is_zero() -> None:
    said = scenario("poisson", (50, 50, 2), (0, 0, 3), (50, 50, 2), (0, 0, 1))
    times = np.array(list(load_arrivals.due(said)))

    assert not ((times > 2) & (times < 5)).any()
    assert ((times > 5) & (times < 7)).sum() > 50
    assert times.max() <= 7


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 5)), min_size=1, max_size=5
    )
)
def test_a_curve_is_as_often_reached_as_its_area_says(
    stages: list[tuple[float, float, float]],
) -> None:
    area = sum((a + b) / 2 * s for a, b, s in stages)
    length = sum(s for _, _, s in stages)
    curve = load_arrivals.Curve(
        tuple(Stage(start=a, end=b, seconds=s) for a, b, s in stages), 0.0, length
    )
    times = curve.times(np.arange(int(area)) + 0.5)

    assert (np.diff(times) >= -1e-9).all()
    assert (times <= length + 1e-6).all()
    assert curve.at(length / 2) >= 0


def test_bursts_come_together_also_in_the_warmup() -> None:
    said = scenario("burst", duration=1, warmup=0.6, size=2, every_s=0.5)

    assert list(load_arrivals.due(said)) == [-0.5, -0.5, 0, 0, 0.5, 0.5]


def test_a_trace_is_replayed_and_warmed_up_at_its_mean_rate(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("0.1,first\n0.2,second\n1.9,third\n7,late\n")
    said = scenario("trace", duration=2, warmup=1, file=tmp_path / "times.csv")
    times = list(load_arrivals.due(said))

    assert times[-3:] == [0.1, 0.2, 1.9]
    assert times[:-3] == pytest.approx([-1, -0.5])


@pytest.mark.parametrize("text", ["", "2\n1\n", "-1\n", "x\n"])
def test_a_trace_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text(text)
    with pytest.raises(ScenarioError, match=r"times\.csv"):
        list(load_arrivals.due(scenario("trace", file=tmp_path / "times.csv")))


def test_the_seed_decides() -> None:
    said = scenario("poisson", (100, 100, 1))

    def first(scenario: Scenario) -> list[float]:
        return list(islice(load_arrivals.due(scenario), 5))

    assert first(said) == first(said) != first(replace(said, seed=2))
