"""Which seconds of a load that changes say what limits."""

from typing import Any

from tests.unit.measure.made import figures

from tritongen.stages.measure.peak import figures_of, peak


def seconds(*offered: int) -> list[dict[str, Any]]:
    return [{"offered": each, "answered": each - 1, "failed": 1} for each in offered]


def test_the_busiest_five_seconds_of_a_spike_are_found() -> None:
    spike = seconds(*[30] * 20, *[120] * 8, *[30] * 20)

    assert peak(spike) == (20, 25)


def test_a_steady_load_has_no_busiest_seconds() -> None:
    assert peak(seconds(*[40, 44, 38, 41, 39] * 6)) is None


def test_a_short_run_is_judged_whole() -> None:
    assert peak(seconds(1, 1, 1, 90, 90, 90, 90, 90)) is None


def test_the_figures_of_some_seconds_say_nothing_of_their_latency() -> None:
    found = figures_of(figures(1000), seconds(120, 120, 110))

    assert (found.offered, found.answered, found.failed) == (350, 347, 3)
    assert found.rate_rps == 347 / 3
    assert found.latency is None
    assert found.service is None
