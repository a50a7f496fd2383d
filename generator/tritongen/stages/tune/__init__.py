"""A search for the best setting: measured trials, each written down, and what they say together.

The stage knows neither engines nor load programs: it is handed ``evaluate``.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from tritongen.errors import SpecError, TuneError
from tritongen.parts.searches import SEARCHES, Proposal, Search
from tritongen.records.plan import Plan
from tritongen.records.study import Conclusion, Host, Score, Setting, Study
from tritongen.records.tune import PlannedTune
from tritongen.stages.tune import marks
from tritongen.stages.tune.concluding import best, conclude, front
from tritongen.stages.tune.earlier import taken
from tritongen.stages.tune.evidence import tuned
from tritongen.stages.tune.finals import finals, none_held, reserve
from tritongen.stages.tune.journal import Journal, read_study
from tritongen.stages.tune.notes import notes
from tritongen.stages.tune.profiling import profile_runs, start_at_its_limit
from tritongen.stages.tune.session import Evaluate, Event, Run, Session
from tritongen.stages.tune.settings import (
    apply_setting,
    changed_models,
    needs_restart,
    replicated,
    written,
)
from tritongen.stages.tune.starting import start

__all__ = [
    "Besides",
    "Evaluate",
    "Event",
    "Journal",
    "apply_setting",
    "best",
    "changed_models",
    "front",
    "needs_restart",
    "read_study",
    "replicated",
    "tune",
    "tuned",
    "written",
]


@dataclass(frozen=True, kw_only=True)
class Besides:
    """What a study may use besides its server and its journal.

    ``servers`` measure at the same time as the first, in threads of their own; ``ending`` is set
    once they have to end. ``earlier`` are the journals of other studies, the newest first: a new
    one takes the profiles of steps that have not changed.
    """

    servers: Sequence[Evaluate] = ()
    ending: threading.Event = field(default_factory=threading.Event)
    earlier: Sequence[Path] = ()


def tune(
    plan: Plan,
    evaluate: Evaluate,
    planned: PlannedTune,
    *,
    host: Host,
    journal: Path,
    show: Callable[[Event], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    besides: Besides | None = None,
) -> Study:
    """Search the best setting; go on with the study in ``journal`` if there is one.

    Ctrl-C in ``evaluate`` ends the search with the best so far.

    Raises:
        TuneError: no setting holds the limits; ``study`` is what was tried.
        MeasureError: the load program is the limit, not the server.
        SpecError: there is nothing to search, or the journal is of something else.
        HostError: the journal can't be written.
    """
    besides = besides or Besides()
    study = _study(plan, planned, host, Journal(journal), besides.earlier)
    session = Session(
        plan=plan,
        study=study,
        servers=(evaluate, *besides.servers),
        journal=Journal(journal),
        show=show,
        clock=clock,
        ending=besides.ending,
    )
    within, stopped = None, ""
    try:
        within, stopped = _found(session)
    except KeyboardInterrupt:
        stopped = "interrupted"
        # It may have come after a trial was written down and before it was known of.
        session.study = replace(session.study, trials=read_study(journal).trials)
    session.learn()
    session.write_profile()
    for note in notes(plan, session.study, session.expectations.untold):
        session.note(note)
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


def _expected(session: Session, setting: Setting) -> Score | None:
    (guess,) = session.expectations.guess([setting], True)
    return guess.score if guess else None


def _study(
    plan: Plan, planned: PlannedTune, host: Host, journal: Journal, earlier: Sequence[Path]
) -> Study:
    """Return the study to go on with, or a new one."""
    test = plan.loadtests[planned.loadtest]
    mark = marks.fingerprint(plan, test)
    if journal.path.exists():
        study = read_study(journal.path)
        if study.fingerprint != mark:
            raise SpecError(
                f"{journal.path} is a study of another spec",
                why="models, their files or the load test have changed since",
                fix="begin a new study",
            )
        return replace(study, tune=planned, host=host, conclusion=None)
    study = Study(
        name=plan.name,
        fingerprint=mark,
        tune=planned,
        host=host,
        began=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M}",
        contents=marks.contents(plan),
        conditions=marks.conditions(plan, test),
    )
    if SEARCHES[planned.method].PROFILES:
        study = replace(study, taken=taken(study, earlier))
    journal.begin(study)
    return study


def _found(session: Session) -> tuple[float | None, str]:
    """Search, and hold finals; where all that was found falls there, go on with what is left.

    Returns how much better something else may be, if the search said, and why it ended.
    """
    while True:
        known = len(session.study.trials)
        within, stopped = _search(session)
        stopped = finals(session) or stopped
        went_on = len(session.study.trials) > known
        if not (went_on and none_held(session) and session.left()):
            return within, stopped


def _search(session: Session) -> tuple[float | None, str]:
    """Measure the start, teach the simulation, then measure what is proposed within the budget.

    Returns how much better something else may be, if the search said, and why it ended.
    """
    start(session)
    search = SEARCHES[session.study.tune.method]
    if search.PROFILES:
        profile_runs(session)
        session.learn()
        session.write_profile()
        start_at_its_limit(session)
    while (left := session.left() - reserve(session)) > 0:
        if search.PROFILES:
            session.say("simulating")
            session.learn()
        proposals, within = _proposals(session, search, left)
        if not proposals:
            return within, "nothing else promises to be better"
        window_s = session.study.tune.window_s
        session.run_together(
            [
                Run(kind="search", setting=p.setting, seconds=window_s, guess=p.guess, server=n)
                for n, p in zip(session.taking_part, proposals, strict=False)
            ]
        )
    return None, "the budget is used up"


def _proposals(session: Session, search: Search, left: int) -> tuple[list[Proposal], float | None]:
    """Return what to measure next, one for each server; if nothing, how much better one may be."""
    proposals: list[Proposal] = []
    together = len(session.taking_part) if search.TOGETHER else 1
    while len(proposals) < min(together, left):
        proposal = search.propose(session.task(left, proposals))
        if proposal is None or isinstance(proposal, float):
            return proposals, proposal
        proposals.append(proposal)
    return proposals, None


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
