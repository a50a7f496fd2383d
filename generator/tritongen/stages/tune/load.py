"""The load test as trials use it: shorter, and with another load where that is what is asked."""

from collections.abc import Sequence
from dataclasses import replace

from tritongen.records.loadtest import Arrivals, Closed, Paced, PlannedLoadTest
from tritongen.records.study import LOAD, SERVER, Setting

WARMUP_SHARE = 0.2
WARMUP_S = 3.0
FINER = 1.05
"""A rate is looked for in such steps."""
LOWEST, HIGHEST = 0.5, 8.0
"""Of the rate that the start could probably do."""


def is_paced(test: PlannedLoadTest) -> bool:
    """Tell whether requests come at one rate, whatever the answers do."""
    return bool(test.arrivals.poisson or test.arrivals.constant)


def rate_of(test: PlannedLoadTest) -> float:
    """Return the rate of a paced load test, per second."""
    paced = test.arrivals.poisson or test.arrivals.constant
    assert paced is not None
    return paced.rate


def trial_test(
    test: PlannedLoadTest, setting: Setting, seconds: float
) -> tuple[PlannedLoadTest, float]:
    """Return the load test of a trial, and for how long it measures."""
    rate = setting.by_key.get((SERVER, LOAD))
    if isinstance(rate, int):
        test = replace(test, arrivals=_at_rate(test.arrivals, rate))
    if test.arrivals.stages or test.arrivals.trace:  # they are what they are
        return test, test.duration_s
    warmup_s = min(test.warmup_s, WARMUP_S, max(WARMUP_SHARE * seconds, 0.5))
    return replace(test, duration_s=seconds, warmup_s=warmup_s), seconds


def _at_rate(arrivals: Arrivals, rate: int) -> Arrivals:
    paced = Paced(rate=float(rate))
    return Arrivals(poisson=paced) if arrivals.poisson else Arrivals(constant=paced)


def with_users(test: PlannedLoadTest, users: int, seconds: float) -> PlannedLoadTest:
    """Return the load test with so many users, for so many seconds."""
    closed = Arrivals(closed=Closed(users=users))
    short = trial_test(replace(test, arrivals=closed), Setting(), seconds)[0]
    return replace(short, trace=None)


def rates(now: float, capacity: float) -> tuple[tuple[int, ...], int]:
    """Return rates around what the start can do, in even steps, and the start's, ``now``."""
    values: set[int] = set()
    rate = LOWEST * min(now, capacity)
    while rate < HIGHEST * capacity:
        values.add(max(round(rate), 1))
        rate *= FINER
    start = max(round(now), 1)
    return tuple(sorted({*values, start})), start


def in_words(test: PlannedLoadTest) -> str:
    """Say what is sent."""
    said = test.arrivals
    if said.closed:
        return f"{said.closed.users} users"
    if is_paced(test):
        return f"{rate_of(test):g}/s"
    return next(name for name in type(said).model_fields if getattr(said, name) is not None)


def most_users(test: PlannedLoadTest) -> int | None:
    """Return how many requests can be in the server at most, if that is known."""
    return test.arrivals.closed.users if test.arrivals.closed else None


def most_rows(tests: Sequence[PlannedLoadTest]) -> int:
    """Return the most rows that a request has."""
    return int(max((each.data.rows.high for test in tests for each in test.traffic), default=1))
