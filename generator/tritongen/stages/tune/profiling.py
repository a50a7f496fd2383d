"""A few short runs that tell how long each step takes: alone, and with large batches."""

from collections.abc import Iterator

from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.study import LOAD, SERVER, Setting, Space
from tritongen.records.tune import Value
from tritongen.stages.tune import load
from tritongen.stages.tune.session import Run, Session

SECONDS = 3.0
LARGE = 32
"""Larger batches than this are taken from the line through the others."""
MOST_USERS = 64
FEW_TRIALS = 8
"""A small budget pays for one run only."""


def profile_runs(session: Session) -> None:
    """Measure what was not yet: one user, then many on one instance of each step.

    Steps whose profiles were taken from another study are not looked at; without others, none is.
    """
    space = session.study.space
    assert space is not None
    done = sum(trial.kind == "profile" for trial in session.study.trials)
    every = list(runs(space, session.test, _unlearned(session)))
    trials = session.study.tune.trials
    wanted = 1 if trials is not None and trials < FEW_TRIALS else len(every)
    wanted = min(wanted, done + session.left())
    waiting = every[done:wanted]
    while waiting:
        together = len(session.taking_part)
        pairs = zip(session.taking_part, waiting[:together], strict=False)
        session.run_together(
            [
                Run(kind="profile", setting=setting, seconds=SECONDS, test=test, server=n)
                for n, (setting, test) in pairs
            ]
        )
        waiting = waiting[together:]


def _unlearned(session: Session) -> set[str] | None:
    """Return the models whose profiles are not known yet; ``None``: of all."""
    start = next((t for t in session.study.trials if t.kind == "start"), None)
    if not session.study.taken or start is None or not session.expectations.executed(start):
        return None
    session.learn([start])
    for text in session.expectations.told(start):
        session.note(text)
    return session.expectations.unlearned(start)


def runs(
    space: Space, test: PlannedLoadTest, unlearned: set[str] | None = None
) -> Iterator[tuple[Setting, PlannedLoadTest]]:
    """Yield what is measured to learn from: of the models that are not known, ``None``: of all."""
    if unlearned is not None and not unlearned:
        return
    yield space.start, load.with_users(test, 1, SECONDS)
    large: dict[tuple[str, str], Value] = {}
    sizes = []
    for each in space.dimensions:
        if each.parameter == "instance_group.count":
            # Steps that are known have all instances, so that the others have much to do.
            known = unlearned is not None and each.model not in unlearned
            large[each.key] = each.values[-1 if known else 0]
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
    tried = [t for t in session.study.trials if t.kind == "start" and t.setting != space.start]
    if not rates or tried:
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
