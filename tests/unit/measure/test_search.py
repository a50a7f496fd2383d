"""The search for the highest rate: on servers whose limit is known."""

import numpy as np
import pytest

from tritongen.stages.measure.search import Probe, Search, search

WINDOW_S = 8.0


class Limited:
    """A server that holds below ``limit``; near it, by chance: ``noise`` is a share of it."""

    def __init__(self, limit: float, noise: float = 0.0, budget_s: float = 170.0) -> None:
        self.limit, self.noise, self.left = limit, noise, budget_s
        self.numbers = np.random.default_rng(1)

    def evaluate(self, rate: float) -> Probe:
        self.left -= WINDOW_S
        swing = 1 + self.noise * float(self.numbers.standard_normal())
        return Probe(rate_rps=rate, held=rate < self.limit * swing, seen="")

    def found(self, start: float) -> Search:
        return search(self.evaluate, start, time_left=lambda: self.left, window_s=WINDOW_S)


@pytest.mark.parametrize("start", [20.0, 150.0, 1000.0])
def test_the_limit_lies_between_what_is_found_and_is_found_in_time(start: float) -> None:
    server = Limited(183.0)
    found = server.found(start)
    assert found.high_rps is not None
    assert found.low_rps < 183.0 <= found.high_rps
    assert server.left >= 0


def test_with_a_good_start_the_limit_is_found_to_within_a_twentieth() -> None:
    found = Limited(183.0).found(150.0)
    assert found.complete
    assert found.high_rps is not None
    assert found.high_rps <= 1.05 * found.low_rps


def test_a_window_that_fails_by_chance_is_measured_again() -> None:
    found = Limited(183.0, noise=0.04).found(150.0)
    assert found.low_rps == pytest.approx(183.0, rel=0.12)
    rates = [probe.rate_rps for probe in found.probes]
    assert all(rates.count(rate) >= 2 for rate in rates[:-1])


def test_the_interval_holds_every_rate_that_was_seen_both_ways() -> None:
    found = Limited(183.0, noise=0.15).found(150.0)
    low, high = found.interval
    assert high is not None
    for probe in found.probes:
        assert probe.held or probe.rate_rps >= low
        assert not probe.held or probe.rate_rps <= high


def test_time_that_runs_out_is_said_with_what_is_known() -> None:
    found = Limited(10_000.0, budget_s=5 * WINDOW_S).found(100.0)
    assert (found.low_rps, found.high_rps, found.complete) == (200.0, None, False)


def test_a_server_that_never_holds_has_no_rate() -> None:
    found = Limited(0.0).found(10.0)
    assert found.low_rps == 0.0
    assert not found.complete
