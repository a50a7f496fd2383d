"""A search for the best setting: measured trials, each written down, and what they say together.

The stage knows neither engines nor load programs: it is handed ``evaluate``.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tritongen.errors import MeasureError, SpecError, TuneError
from tritongen.parts.searches import SEARCHES
from tritongen.records.plan import Plan
from tritongen.records.study import Conclusion, Host, Score, Setting, Study
from tritongen.records.tune import PlannedTune
from tritongen.stages.tune import load
from tritongen.stages.tune.concluding import best, conclude, front
from tritongen.stages.tune.evidence import tuned
from tritongen.stages.tune.expect import fingerprint
from tritongen.stages.tune.finals import finals, reserve
from tritongen.stages.tune.journal import Journal, read_study
from tritongen.stages.tune.notes import notes
from tritongen.stages.tune.profiling import profile_runs, start_at_its_limit
from tritongen.stages.tune.session import Evaluate, Event, Session
from tritongen.stages.tune.settings import apply_setting, changed_models, needs_restart, written
from tritongen.stages.tune.space import space_of

__all__ = [
    "Evaluate",
    "Event",
    "Journal",
    "apply_setting",
    "best",
    "changed_models",
    "front",
    "needs_restart",
    "read_study",
    "tune",
    "tuned",
    "written",
]


def tune(
    plan: Plan,
    evaluate: Evaluate,
    planned: PlannedTune,
    *,
    host: Host,
    journal: Path,
    show: Callable[[Event], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Study:
    """Search the best setting; go on with the study in ``journal`` if there is one.

    Ctrl-C in ``evaluate`` ends the search with the best so far.

    Raises:
        TuneError: no setting holds the limits; ``study`` is what was tried.
        MeasureError: the load program is the limit, not the server.
        SpecError: there is nothing to search, or the journal is of something else.
        HostError: the journal can't be written.
    """
    session = _session(plan, evaluate, planned, host, Journal(journal), show, clock)
    within, stopped = None, ""
    try:
        within, stopped = _search(session)
        stopped = finals(session) or stopped
    except KeyboardInterrupt:
        stopped = "interrupted"
    session.learn()
    _note(session)
    found = conclude(
        session.study,
        lambda setting: _expected(session, setting),
        within=within,
        stopped=stopped,
    )
    session.journal.conclude(found)
    session.study = replace(session.study, conclusion=found)
    session.say(found.sentence)
    _refuse(session.study, found)
    return session.study


def _note(session: Session) -> None:
    study = session.study
    for note in notes(session.plan, study, session.expectations.untold):
        if note not in study.notes:
            session.journal.note(note)
            study = replace(study, notes=(*study.notes, note))
    session.study = study


def _expected(session: Session, setting: Setting) -> Score | None:
    (guess,) = session.expectations.guess([setting], True)
    return guess.score if guess else None


def _session(
    plan: Plan,
    evaluate: Evaluate,
    planned: PlannedTune,
    host: Host,
    journal: Journal,
    show: Callable[[Event], None],
    clock: Callable[[], float],
) -> Session:
    test = plan.loadtests[planned.loadtest]
    mark = fingerprint(plan, test)
    if journal.path.exists():
        study = read_study(journal.path)
        if study.fingerprint != mark:
            raise SpecError(
                f"{journal.path} is a study of another spec",
                why="models, their files or the load test have changed since",
                fix="begin a new study",
            )
        study = replace(study, tune=planned, host=host, conclusion=None)
    else:
        study = Study(name=plan.name, fingerprint=mark, tune=planned, host=host)
        journal.begin(study)
    return Session(plan, study, evaluate, journal, show, clock)


def _search(session: Session) -> tuple[float | None, str]:
    """Measure the start, teach the simulation, then measure what is proposed within the budget.

    Returns how much better something else may be, if the search said, and why it ended.
    """
    _start(session)
    search = SEARCHES[session.study.tune.method]
    if search.PROFILES:
        profile_runs(session)
        session.learn()
        start_at_its_limit(session)
    while session.left() > reserve(session):
        if search.PROFILES:
            session.say("simulating")
            session.learn()
        proposal = search.propose(session.task(session.left() - reserve(session)))
        if proposal is None or isinstance(proposal, float):
            return proposal, "nothing else promises to be better"
        window_s = session.study.tune.window_s
        session.run("search", proposal.setting, window_s, guess=proposal.guess)
    return None, "the budget is used up"


def _start(session: Session) -> None:
    """Measure the spec's own setting, and say what may move, unless that was done."""
    study = session.study
    if study.space is not None:
        return
    space_of(session.plan, study.tune, study.host, None)  # before anything is measured for nothing
    test, seconds = load.trial_test(session.test, Setting(), study.tune.window_s)
    first = session.measure("start", Setting(), test, seconds)
    if first.failure and first.failure.startswith("not trusted"):
        raise MeasureError(
            "the load program is the limit, not the server: nothing can be tuned with it",
            why=first.failure,
            fix="give it more --processes, or cores of its own",
        )
    space = space_of(session.plan, study.tune, study.host, first.measurement)
    session.journal.space(space)
    session.study = replace(session.study, space=space)
    session.keep(replace(first, setting=space.start))


def _refuse(study: Study, found: Conclusion) -> None:
    if found.verdict != "infeasible":
        return
    nearest = str(found.winner) if found.winner else ""
    error = TuneError(
        found.sentence,
        why=f"the nearest is {nearest}" if nearest else "",
        fix=f"allow more {found.binding}, or let more parameters move"
        if found.binding
        else "read in the study why trials failed",
    )
    error.study = study
    raise error
