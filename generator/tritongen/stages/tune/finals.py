"""The best settings and the spec's own are measured again, in turns."""

import math
from collections.abc import Sequence
from statistics import fmean

from tritongen.parts.searches import SEARCHES, guided, missed, utility
from tritongen.records.study import LOAD, SERVER, Setting, Trial
from tritongen.stages.tune.concluding import contenders
from tritongen.stages.tune.load import FINER
from tritongen.stages.tune.session import Run, Session

HALF = 0.5
"""Half of a limit is as good as none of it: that one run had no errors outweighs no other's."""
LONGER = 2.0
"""A final trial measures so many times longer."""
TURNS = 3
SURE = 1.28
"""So many standard errors above a limit: nine in ten of those miss it."""
USUAL = 0.08
"""How much latencies of one setting differ, where a search does not learn it."""
NEAR = 0.05
"""With nothing that holds all limits, what misses them by less is measured again."""
LOWER = 2
"""So many steps lower a rate is tried again that was too high: about a tenth. The spec's own
setting first goes down by one, which tells whether there is a gain at all."""
RIVALS = 2
NOTHING = 0.01
"""What the changes that are taken back may bring together, as a share."""


def reserve(session: Session) -> int:
    """Return how many trials are kept for the end."""
    trials = session.study.tune.trials
    if trials is None:
        return 9  # as long as six final ones
    return 6 if trials >= 20 else 4 if trials >= 10 else 2


def finals(session: Session) -> str:
    """Measure the best and the start in turns; return why it ended early, empty if it did not.

    Each of several servers measures all of them alike often: a difference between servers is none
    between settings.
    """
    ranked = _ranked(session)
    plain = [_plainest(session, setting) for setting in ranked[:1]]
    clearly = _clearly(session)
    again = {t.setting for t in session.study.trials if t.kind == "final"}
    again = {s for s in again if (SERVER, LOAD) not in s.by_key}  # they go on at a lower rate
    fallen = {setting for setting in again if _fell(session, setting, clearly)}
    if none_held(session):  # what had all its turns is no rival, however little it misses
        fallen |= {s for s in again if len(_finals(session, s)) >= TURNS}
    rivals = [s for s in dict.fromkeys([*plain, *ranked]) if s not in fallen]
    start = _start(session, rivals[:RIVALS])
    if start is not None:
        rivals = [s for s in rivals if s.configuration != start.configuration]
    chosen = [*rivals[:RIVALS], *([start] if start else [])]
    waiting = rivals[RIVALS:]
    while runs := _next(session, chosen):
        if not session.left():
            return "the budget is used up"
        for trial in session.run_together(runs[: session.left()]):
            is_start = start is not None and trial.setting.configuration == start.configuration
            if trial.setting not in chosen or (is_start and not _is_too_much(session, trial)):
                continue
            slower = _slower(session, trial, LOWER if trial.setting != start else 1)
            if slower is not None:
                chosen[chosen.index(trial.setting)] = slower
            elif trial.setting != start and _fell(session, trial.setting, clearly):
                chosen.remove(trial.setting)
                chosen += waiting[:1]
                waiting = waiting[1:]
    return ""


def none_held(session: Session) -> bool:
    """Tell whether settings were found that did not hold, measured again, and none that did."""
    own = session.study.space.start.configuration if session.study.space else None
    again = [each for each in contenders(session.study) if each.setting.configuration != own]
    failed = any(trial.kind == "final" and not trial.score for trial in session.study.trials)
    return (bool(again) or failed) and not any(each.score.feasible for each in again)


def _next(session: Session, chosen: Sequence[Setting]) -> list[Run]:
    """Return what each server measures next: what it has measured least often, in turns."""
    turns = math.ceil(TURNS / len(session.taking_part))
    window_s = LONGER * session.study.tune.window_s
    runs: dict[Setting, Run] = {}
    for server in session.taking_part:
        counts = {
            setting: sum(trial.server == server for trial in _finals(session, setting))
            for setting in chosen
        }
        turn = min(counts.values(), default=turns) % max(len(chosen), 1)
        order = [each for each in [*chosen[turn:], *chosen[:turn]] if each not in runs]
        setting = min(order, key=lambda each: counts[each], default=None)
        if setting is not None and counts[setting] < turns:
            runs[setting] = Run(kind="final", setting=setting, seconds=window_s, server=server)
    return list(runs.values())


def _plainest(session: Session, setting: Setting) -> Setting:
    """Take back, one after another, the changes that bring nothing: a reader has to ask of each."""
    space, goal = session.study.space, session.study.tune.goal
    assert space is not None
    (guess,) = session.expectations.guess([setting], True)
    if guess is None:
        return setting
    least = utility(guess.score, guess.ratios, goal) - NOTHING
    for key, before, _ in list(setting.unlike(space.start)):
        if before is None or key == (SERVER, LOAD):
            continue
        plainer = setting.changed({key: before})
        (guess,) = session.expectations.guess([plainer], True)
        if guess is not None and utility(guess.score, guess.ratios, goal) >= least:
            setting = plainer
    return setting


def _finals(session: Session, setting: Setting) -> list[Trial]:
    return [t for t in session.study.trials if t.kind == "final" and t.setting == setting]


def _is_too_much(session: Session, trial: Trial) -> bool:
    """Tell whether a rate proved to be too high: limits were missed twice, or answers are missing.

    That is asked of the spec's setting: one failure may have been the machine's, and what is said
    to beat it held that rate more often.
    """
    rate = trial.setting.by_key.get((SERVER, LOAD))
    if rate is None or trial.score is None:
        return True
    runs = _finals(session, trial.setting)
    missed_it = sum(each.score is not None and not each.score.feasible for each in runs)
    return missed_it >= 2 or FINER * trial.score.throughput_rps <= float(str(rate))


def _slower(session: Session, trial: Trial, steps: int) -> Setting | None:
    """Return the same configuration at a lower rate, if a rate proved to be too high for it.

    So many steps, or to what it answers when more is asked than it can.
    """
    space = session.study.space
    rate = trial.setting.by_key.get((SERVER, LOAD))
    if space is None or rate is None or trial.score is None or trial.score.feasible:
        return None
    rates = next(each.values for each in space.dimensions if each.key == (SERVER, LOAD))
    answered = sum(int(str(each)) <= trial.score.throughput_rps / FINER for each in rates)
    place = min(rates.index(rate) - steps, answered - 1)
    return trial.setting.changed({(SERVER, LOAD): rates[place]}) if place >= 0 else None


def _clearly(session: Session) -> float:
    """Return the logarithm by which one trial exceeds a limit that its setting surely misses."""
    guides = SEARCHES[session.study.tune.method].PROFILES and not session.expectations.untold
    return SURE * (guided.noise(session.task(0, finals=False)) if guides else USUAL)


def _fell(session: Session, setting: Setting, clearly: float) -> bool:
    """Tell whether a setting proved to be none: it failed, or surely misses a limit."""
    trials = _finals(session, setting)
    if any(trial.score is None for trial in trials):
        return True
    ratios = [session.ratios[trial.number] for trial in trials]
    over = clearly / math.sqrt(len(ratios))
    return any(
        fmean(math.log(max(each[name], HALF)) for each in ratios) > over for name in ratios[0]
    )


def _ranked(session: Session) -> list[Setting]:
    """Return the settings that held all limits, best first; without one, those that nearly did.

    One measurement may have been lucky: a search that simulates says what it believes of each.
    """
    if SEARCHES[session.study.tune.method].PROFILES and not session.expectations.untold:
        believed = guided.best_tried(session.task(0, finals=False))
        if believed:
            return believed
    goal = session.study.tune.goal
    scored = [t for t in session.study.scored if t.score and t.kind in ("start", "search")]
    held = [t for t in scored if t.score and t.score.feasible]
    near = [t for t in scored if t.score and missed(t.score.exceeded) < NEAR]
    best = sorted(
        held or near,
        key=lambda t: -utility(t.score, t.score.exceeded, goal) if t.score else 0.0,
    )
    return list(dict.fromkeys(trial.setting for trial in best))


def _start(session: Session, rivals: Sequence[Setting]) -> Setting | None:
    """Return the spec's own setting, under the load of its rivals; none if it is hopeless."""
    space = session.study.space
    if space is None:
        return None
    own = [
        t
        for t in session.study.scored
        if t.score and t.setting.configuration == space.start.configuration
    ]
    goal = session.study.tune.goal
    best = max(
        own,
        key=lambda t: utility(t.score, t.score.exceeded, goal) if t.score else 0.0,
        default=None,
    )
    if best is None or best.score is None:
        return None
    hopeless = any(ratio > 1.3 for ratio in best.score.exceeded.values())
    return None if hopeless else _as_fast(session, own, best, rivals)


def _as_fast(
    session: Session, own: Sequence[Trial], best: Trial, rivals: Sequence[Setting]
) -> Setting:
    """Return the start at the highest rate of its rivals that was not too much for it before.

    Held against a winner at its limit, a start at an easy rate would make the gain look larger.
    """
    space, rate = session.study.space, best.setting.by_key.get((SERVER, LOAD))
    if space is None or rate is None:
        return best.setting
    rates = next(each.values for each in space.dimensions if each.key == (SERVER, LOAD))

    def place(setting: Setting) -> int:
        return rates.index(setting.by_key[(SERVER, LOAD)])

    held = rates.index(rate)
    failed = [place(t.setting) for t in own if t.score and not t.score.feasible]
    too_much = min((each for each in failed if each > held), default=len(rates))
    highest = max(map(place, rivals), default=held)
    return best.setting.changed({(SERVER, LOAD): rates[max(min(highest, too_much - 1), held)]})
