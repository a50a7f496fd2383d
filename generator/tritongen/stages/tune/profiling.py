"""A few short runs that tell how long each step takes: alone, and with large batches."""

from collections.abc import Iterator

from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.study import LOAD, SERVER, Setting, Space
from tritongen.records.tune import Value
from tritongen.stages.tune import load
from tritongen.stages.tune.session import Session

SECONDS = 3.0
LARGE = 32
"""Larger batches than this are taken from the line through the others."""
MOST_USERS = 64
FEW_TRIALS = 8
"""A small budget pays for one run only."""


def profile_runs(session: Session) -> None:
    """Measure what was not yet: one user, then many on one instance of each step."""
    space = session.study.space
    assert space is not None
    done = sum(trial.kind == "profile" for trial in session.study.trials)
    runs = list(_runs(space, session.test))
    trials = session.study.tune.trials
    wanted = 1 if trials is not None and trials < FEW_TRIALS else len(runs)
    for setting, test in runs[done:wanted]:
        if session.left():
            session.run("profile", setting, SECONDS, test=test)


def _runs(space: Space, test: PlannedLoadTest) -> Iterator[tuple[Setting, PlannedLoadTest]]:
    yield space.start, load.with_users(test, 1, SECONDS)
    large: dict[tuple[str, str], Value] = {}
    sizes = []
    for each in space.dimensions:
        if each.parameter == "instance_group.count":
            large[each.key] = each.values[0]
        elif each.parameter == "max_batch_size":
            fitting = [value for value in each.values if isinstance(value, int) and value <= LARGE]
            large[each.key] = fitting[-1] if fitting else each.values[0]
            sizes.append(fitting[-1] if fitting else 1)
    users = min(max(2 * max(sizes, default=4), 8), MOST_USERS)
    yield space.start.changed(large), load.with_users(test, users, SECONDS)


def start_at_its_limit(session: Session) -> None:
    """Measure the spec's own setting at the highest rate at which it should hold the limits.

    Where the rate moves, a winner is compared with the best that the start can do.
    """
    space = session.study.space
    assert space is not None
    key = (SERVER, LOAD)
    rates = next((each.values for each in space.dimensions if each.key == key), ())
    own = [t for t in session.study.trials if t.kind == "start"]
    if not rates or len(own) > 1:
        return
    low, high = 0, len(rates)
    while low < high:  # at low all limits hold, at high they do not
        middle = (low + high) // 2
        setting = space.start.changed({key: rates[middle]})
        (guess,) = session.expectations.guess([setting], False)
        if guess is not None and all(ratio <= 1 for ratio in guess.ratios.values()):
            low = middle + 1
        else:
            high = middle
    best = space.start.changed({key: rates[max(low - 1, 0)]})
    if best != space.start and session.left():
        session.run("start", best, session.study.tune.window_s)
