"""What a study found: the winner beyond noise, the front, what each parameter does."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean, stdev

from tritongen.parts.searches import missed, objective, utility
from tritongen.records.study import (
    LOAD,
    SERVER,
    Conclusion,
    Contender,
    Effect,
    Score,
    Setting,
    Study,
    Trial,
)
from tritongen.records.tune import Goal, Limits
from tritongen.stages.tune.load import FINER
from tritongen.stages.tune.scoring import mean_of

TIE = {"throughput": 0.03, "p99": 0.15, "cost": 0.03}
"""Smaller differences are none, however often they are seen."""
NOISE = {"throughput_rps": 0.009, "p99_ms": 0.09}
"""How much two runs of one setting differ at least (a standard deviation, as a share): what is seen
of two or three runs is too little to believe less."""
TOO_NOISY = {"throughput": 0.10, "p99": 0.45, "cost": 0.10}
"""A setting that differs so much from itself tells nothing."""
ALIKE = 0.01
"""Winners that differ less are alike: the plainest of them is taken."""
SURE = 1.96
LONGER = "measure longer, with `window:`, on a machine that does nothing else"

Guessed = Callable[[Setting], Score | None]


def contenders(study: Study) -> tuple[Contender, ...]:
    """Return what was measured again, with the means of its final trials."""
    runs: dict[Setting, list[Trial]] = {}
    for trial in study.scored:
        if trial.kind == "final":
            runs.setdefault(trial.setting, []).append(trial)
    limits = study.tune.limits
    return tuple(_contender(setting, trials, limits) for setting, trials in runs.items())


def _contender(setting: Setting, trials: Sequence[Trial], limits: Limits) -> Contender:
    scores = [trial.score for trial in trials if trial.score]
    rps = [score.throughput_rps for score in scores]
    p99 = [score.p99_ms for score in scores]
    # Limits that half of the runs exceed, or the mean does: one that went well is no proof.
    names = {name for score in scores for name in score.exceeded}
    exceeded = {
        name: fmean(score.exceeded.get(name, 1.0) for score in scores)
        for name in names
        if sum(name in score.exceeded for score in scores) * 2 >= len(scores)
    }
    if limits.p99 is not None:
        exceeded["p99"] = fmean(p99) / (1000 * limits.p99)
    score = replace(
        mean_of(scores), exceeded={name: ratio for name, ratio in exceeded.items() if ratio > 1}
    )
    return Contender(
        setting=setting,
        trials=tuple(trial.number for trial in trials),
        score=score,
        throughput_ci_rps=_interval(rps, NOISE["throughput_rps"]),
        p99_ci_ms=_interval(p99, NOISE["p99_ms"]),
    )


def _interval(values: Sequence[float], least: float) -> tuple[float, float]:
    half = SURE * _error(values, least)
    return max(fmean(values) - half, 0.0), fmean(values) + half


def _error(values: Sequence[float], least: float) -> float:
    """Return the standard error of a mean."""
    seen = stdev(values) if len(values) > 1 else 0.0
    return max(seen, least * fmean(values)) / math.sqrt(len(values))


# ---- the verdict ----


def conclude(study: Study, guessed: Guessed, *, within: float | None, stopped: str) -> Conclusion:
    """Return what all trials say together; ``within`` as the search itself said at its end."""
    finalists = contenders(study)
    goal = study.tune.goal
    found = _verdict(study, finalists, goal, within)
    effects = _effects(study, found.winner, guessed) if found.winner else ()
    return replace(found, finalists=finalists, front=front(study), effects=effects, stopped=stopped)


def _verdict(
    study: Study, finalists: Sequence[Contender], goal: Goal, within: float | None
) -> Conclusion:
    feasible = [each for each in finalists if each.score.feasible]
    if not feasible:
        return _without_finals(study, goal, within)
    winner = _plainest(study, feasible, goal)
    start = _start(study, finalists)
    if start is None or not start.score.feasible:
        doubt = _doubt(study, finalists, winner, goal)
        if doubt is not None:
            return doubt
        sentence = f"{_figures(winner.score, goal)} within all limits"
        if start is not None:
            sentence += f"; the spec's own setting exceeds {_listed(start.score)}"
        return Conclusion(verdict="better", sentence=sentence, winner=winner.setting, within=within)
    gain = _gain(start.score, winner.score, goal)
    if winner is not start and _faster(study, winner) and _beyond_noise(study, start, winner, goal):
        sentence = f"{_figures(winner.score, goal)}: {_share(gain, goal)} than the spec's setting"
        return Conclusion(
            verdict="better", sentence=sentence, winner=winner.setting, gain=gain, within=within
        )
    if _noisy(study, finalists, goal):
        return Conclusion(
            verdict="noisy",
            sentence="settings differ less from each other than from themselves: nothing can be "
            f"said; {LONGER}",
            winner=start.setting,
            gain=0.0,
        )
    best = max(gain, TIE[goal], within or 0.0)
    sentence = f"the spec's setting is already best, within {100 * best:.0f}%"
    return Conclusion(
        verdict="best", sentence=sentence, winner=start.setting, gain=0.0, within=best
    )


def _plainest(study: Study, feasible: Sequence[Contender], goal: Goal) -> Contender:
    """Return the best; of those that are as good, the one that changes least."""
    best = max(objective(each.score, goal) for each in feasible)
    own = study.space.start if study.space else Setting()
    return min(
        (each for each in feasible if best - objective(each.score, goal) <= ALIKE),
        key=lambda each: (len(list(each.setting.unlike(own))), -objective(each.score, goal)),
    )


def _without_finals(study: Study, goal: Goal, within: float | None) -> Conclusion:
    """Conclude where nothing was measured again, or nothing of it holds: from single trials."""
    finals = {trial.setting for trial in study.scored if trial.kind == "final"}
    good = [t for t in study.scored if t.score and t.score.feasible and t.setting not in finals]
    if good:
        trial = max(good, key=lambda t: objective(t.score, goal) if t.score else -math.inf)
        assert trial.score is not None
        sentence = f"{_figures(trial.score, goal)}, measured once: too little to be sure"
        return Conclusion(verdict="noisy", sentence=sentence, winner=trial.setting, within=within)
    over = [t for t in study.scored if t.score and not t.score.feasible]
    nearest = min(over, key=lambda t: missed(t.score.exceeded) if t.score else 0.0, default=None)
    if nearest is None or nearest.score is None:
        failures = [trial.failure for trial in study.trials if trial.failure]
        return Conclusion(
            verdict="infeasible",
            sentence=f"no setting could be measured: {failures[0] if failures else 'none tried'}",
            winner=None,
        )
    exceeded = nearest.score.exceeded
    binding = max(exceeded, key=lambda name: exceeded[name], default=None)
    sentence = f"no setting holds all limits; the nearest exceeds {_listed(nearest.score)}"
    return Conclusion(
        verdict="infeasible", sentence=sentence, winner=nearest.setting, binding=binding
    )


def _start(study: Study, finalists: Sequence[Contender]) -> Contender | None:
    """Return the spec's own setting among the finalists, at the load at which it does best."""
    goal = study.tune.goal
    own = _own(study, finalists)
    return max(own, key=lambda c: (c.score.feasible, objective(c.score, goal)), default=None)


def _own(study: Study, finalists: Sequence[Contender]) -> list[Contender]:
    """Return the spec's own setting among the finalists, at every load at which it was tried."""
    if study.space is None:
        return []
    own = study.space.start.configuration
    return [each for each in finalists if each.setting.configuration == own]


def _doubt(
    study: Study, finalists: Sequence[Contender], winner: Contender, goal: Goal
) -> Conclusion | None:
    """Return that nothing can be said: the spec's setting did as well and once held the limits.

    Or it failed where the winner held, and is not known to fail below that.
    """
    own = _own(study, finalists)
    least = objective(winner.score, goal) - TIE[goal]
    for each in own:
        held = _held(study, each)
        if held and objective(each.score, goal) >= least:
            return Conclusion(
                verdict="noisy",
                sentence=f"the spec's setting held the limits in {held} of {len(each.trials)} "
                f"measurements, the best in {_held(study, winner)} of {len(winner.trials)}: "
                f"nothing can be said; {LONGER}",
                winner=each.setting,
                gain=0.0,
            )
    if own and not _faster(study, winner):
        return Conclusion(
            verdict="noisy",
            sentence="the spec's setting missed a limit at the rate that the best holds, and was "
            "not measured again below it: nothing can be said; allow more trials",
            winner=own[0].setting,
            gain=0.0,
        )
    return None


def _faster(study: Study, winner: Contender) -> bool:
    """Tell whether the spec's setting can't do what the winner does, if there are rates.

    It failed at a lower one, or answered less than was sent. Where it only was late at the winner's
    rate, it may do all that is less than that: a gain of one step is none.
    """
    rate = winner.setting.by_key.get((SERVER, LOAD))
    if rate is None:
        return True
    assert study.space is not None
    own, most = study.space.start.configuration, float(str(rate))
    again = {each.setting: each.score for each in contenders(study)}
    tried = {t.setting: t.score for t in study.scored} | again
    return any(
        float(str(setting.by_key[(SERVER, LOAD)])) < most or FINER * score.throughput_rps <= most
        for setting, score in tried.items()
        if setting.configuration == own and score is not None and not score.feasible
    )


def _held(study: Study, contender: Contender) -> int:
    """Return in how many of its trials all limits held."""
    scores = [study.trials[number].score for number in contender.trials]
    return sum(score is not None and score.feasible for score in scores)


def _gain(before: Score, after: Score, goal: Goal) -> float:
    """Return how much better the objective is: 0.31 is 31% more answers, or 31% less time."""
    change = objective(after, goal) - objective(before, goal)
    return math.expm1(change) if goal == "throughput" else -math.expm1(-change)


def _runs(study: Study, contender: Contender, goal: Goal) -> list[float]:
    chosen = [study.trials[n].score for n in contender.trials]
    return [objective(score, goal) for score in chosen if score]


def _beyond_noise(study: Study, start: Contender, winner: Contender, goal: Goal) -> bool:
    before, after = _runs(study, start, goal), _runs(study, winner, goal)
    if abs(_gain(start.score, winner.score, goal)) < TIE[goal]:
        return False
    least = NOISE["p99_ms" if goal == "p99" else "throughput_rps"]
    error = math.hypot(_log_error(before, least), _log_error(after, least))
    return fmean(after) - fmean(before) > SURE * error


def _log_error(values: Sequence[float], least: float) -> float:
    seen = stdev(values) if len(values) > 1 else 0.0
    return max(seen, least) / math.sqrt(len(values))


def _noisy(study: Study, finalists: Sequence[Contender], goal: Goal) -> bool:
    spreads = [stdev(runs) for each in finalists if len(runs := _runs(study, each, goal)) > 1]
    return max(spreads, default=0.0) > TOO_NOISY[goal]


def _figures(score: Score, goal: Goal) -> str:
    first = {
        "throughput": f"{score.throughput_rps:.0f} answers/s",
        "p99": f"99% within {score.p99_ms:.1f} ms",
        "cost": f"{score.cost_per_million:.2f} for a million answers",
    }[goal]
    return first if goal == "p99" else f"{first}, 99% within {score.p99_ms:.0f} ms"


def _share(gain: float, goal: Goal) -> str:
    words = {"throughput": "more", "p99": "sooner", "cost": "cheaper"}[goal]
    return f"{100 * gain:.0f}% {words}"


def _listed(score: Score) -> str:
    return ", ".join(
        f"{name} by {100 * (ratio - 1):.0f}%" for name, ratio in score.exceeded.items()
    )


# ---- the rest of the report ----


def front(study: Study) -> tuple[int, ...]:
    """Return the numbers of the trials that no other beats in throughput, p99, memory and cost."""
    scored = [(t.number, _costs(t.score)) for t in study.scored if t.score]
    return tuple(
        number
        for number, mine in scored
        if not any(_beats(other, mine) for n, other in scored if n != number)
    )


def _costs(score: Score) -> tuple[float, float, float, float]:
    """Return what should be small."""
    return -score.throughput_rps, score.p99_ms, score.memory_bytes, score.cost_per_million


def _beats(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


def _effects(study: Study, winner: Setting, guessed: Guessed) -> tuple[Effect, ...]:
    """Return what each change from the start to the winner does, the others being there already."""
    if study.space is None:
        return ()
    found = []
    for (model, path), before, after in winner.unlike(study.space.start):
        if (model, path) == (SERVER, LOAD) or before is None:
            continue
        without = winner.changed({(model, path): before})
        pair = [_measured(study, each) for each in (without, winner)]
        measured = None not in pair
        if not measured:
            pair = [guessed(each) for each in (without, winner)]
        if pair[0] is None or pair[1] is None:
            continue
        found.append(
            Effect(
                model=model,
                parameter=path,
                before=before,
                after=after,
                throughput=pair[1].throughput_rps / max(pair[0].throughput_rps, 1e-9) - 1,
                p99=pair[1].p99_ms / max(pair[0].p99_ms, 1e-9) - 1,
                measured=measured,
            )
        )
    return tuple(sorted(found, key=lambda e: -abs(e.throughput) - abs(e.p99)))


def _measured(study: Study, setting: Setting) -> Score | None:
    finals = [c.score for c in contenders(study) if c.setting == setting]
    if finals:
        return finals[0]
    return next((t.score for t in study.scored if t.setting == setting), None)


def best(study: Study) -> Trial | None:
    """Return the best trial so far: of those that hold all limits, else the nearest."""
    return max(
        study.scored,
        key=lambda t: utility(t.score, t.score.exceeded, study.tune.goal) if t.score else -math.inf,
        default=None,
    )
