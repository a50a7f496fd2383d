"""The spec's own setting is measured first: on every server, which shows whether they are alike."""

from collections.abc import Sequence
from dataclasses import replace

from tritongen.errors import MeasureError
from tritongen.records.study import Setting, Trial
from tritongen.stages.tune.session import Run, Session
from tritongen.stages.tune.space import space_of

UNLIKE = 0.15
"""A server whose throughput differs more from the first one's takes no part."""


def start(session: Session) -> None:
    """Measure the spec's own setting, and say what may move, unless that was done.

    Raises:
        MeasureError: the load program is the limit, not the server.
        SpecError: nothing can be another way than it is.
    """
    study = session.study
    if study.space is None:
        space_of(session.plan, study.tune, study.host, None)  # before anything is measured in vain
        starts = _starts(session, Setting())
        first = starts[0]
        if first.failure and first.failure.startswith("not trusted"):
            raise MeasureError(
                "the load program is the limit, not the server: nothing can be tuned with it",
                why=first.failure,
                fix="give it more --processes, or cores of its own",
            )
        space = space_of(session.plan, study.tune, study.host, first.measurement)
        session.journal.space(space)
        session.study = replace(session.study, space=space)
        starts = [replace(each, setting=space.start) for each in starts]
    elif len(session.servers) > 1:  # they may be others now
        starts = _starts(session, study.space.start)
    else:
        return
    for each in starts:
        session.keep(each)
    _leave_out_unlike(session, starts)


def _starts(session: Session, setting: Setting) -> list[Trial]:
    """Return what each server does with the spec's setting, in their order."""
    seconds = session.study.tune.window_s
    runs = [
        Run(kind="start", setting=setting, seconds=seconds, server=n)
        for n in range(len(session.servers))
    ]
    return sorted(session.measured(runs), key=lambda trial: trial.server)


def _leave_out_unlike(session: Session, starts: Sequence[Trial]) -> None:
    first = starts[0]
    for each in starts[1:]:
        if first.score and not each.score:
            why = f"fails with the spec's setting: {each.failure}"
        elif first.score and each.score:
            ratio = each.score.throughput_rps / first.score.throughput_rps
            if abs(ratio - 1) <= UNLIKE:
                continue
            less = "less" if ratio < 1 else "more"
            why = f"answers {abs(ratio - 1):.0%} {less} than the first with the spec's setting"
        else:
            continue
        session.taking_part.remove(each.server)
        session.note(f"server {each.server + 1} took no part: it {why}")
