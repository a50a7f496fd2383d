"""A study in rows: the start beside the best, and what each change does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

from tritongen.parts.searches import objective
from tritongen.records.measurement import Interval
from tritongen.records.study import LOAD, SERVER, Contender, Effect, Score, Setting, Study
from tritongen.stages.report.axis import milliseconds, number, rate, share

MUCH = 0.1
"""Of the start's throughput: what was answered above it is told."""
LEAST = 0.005
"""A smaller difference is shown as none."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure of the start and of the best, in words; ``tone`` is good, bad or plain."""

    name: str
    before: str
    after: str
    difference: str
    tone: str = "plain"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A value that the best has and the start has not; ``how`` is where the effects are from."""

    name: str
    before: str
    after: str
    throughput: str = ""
    p99: str = ""
    how: str = ""


@dataclass(frozen=True, kw_only=True)
class Side:
    """A setting's score, with the intervals of what was measured several times."""

    setting: Setting
    score: Score
    throughput_ci_rps: Interval | None = None
    p99_ci_ms: Interval | None = None


def sides(study: Study) -> tuple[Side | None, Side | None]:
    """Return the start and the best: of the finals where there are any, else of single trials."""
    found = study.conclusion
    if found is None or study.space is None:
        return None, None
    own = study.space.start.configuration
    starts = (
        [each for each in study.conclusion.finalists if each.setting.configuration == own]
        if study.conclusion
        else []
    )
    goal = study.tune.goal
    start = max(
        starts, key=lambda each: (each.score.feasible, objective(each.score, goal)), default=None
    )
    winner = next((each for each in found.finalists if each.setting == found.winner), None)
    return (
        _side(start) if start else _single(study, study.space.start),
        _side(winner) if winner else _single(study, found.winner),
    )


def _side(one: Contender) -> Side:
    return Side(
        setting=one.setting,
        score=one.score,
        throughput_ci_rps=one.throughput_ci_rps,
        p99_ci_ms=one.p99_ci_ms,
    )


def _single(study: Study, setting: Setting | None) -> Side | None:
    scored = [trial for trial in study.scored if trial.setting == setting]
    last = scored[-1] if scored else None
    return Side(setting=last.setting, score=last.score) if last and last.score else None


def rows(study: Study) -> list[Row]:
    """Return the start's figures beside the best's; without another setting, its own."""
    start, best = sides(study)
    if start is None or best is None:
        return []
    return [
        _measured("throughput", start, best, lambda s: s.score.throughput_rps, rate, up=True),
        _measured("p99", start, best, lambda s: s.score.p99_ms, milliseconds, up=False),
        _plain("p50", start, best, lambda s: s.p50_ms, milliseconds),
        _plain("errors", start, best, lambda s: s.error_rate, share),
        _plain("instances", start, best, lambda s: s.instances, number),
        _plain("memory (estimate)", start, best, lambda s: s.memory_bytes / 2**20, _mib),
        _plain("cost per million", start, best, lambda s: s.cost_per_million, lambda v: f"{v:.2f}"),
    ]


def caveat(study: Study) -> str:
    """Say how far above the start's rate the spec's setting only just failed; mostly nothing.

    Under an open load test its limit lies between the two: the gain is less than it looks.
    """
    start, best = sides(study)
    if start is None or best is None or start.setting.configuration == best.setting.configuration:
        return ""
    own = [
        trial
        for trial in study.scored
        if trial.score
        and trial.setting.configuration == start.setting.configuration
        and trial.score.throughput_rps > (1 + MUCH) * start.score.throughput_rps
        and not trial.score.feasible
    ]
    if (SERVER, LOAD) not in start.setting.by_key or not own:
        return ""
    least = min(own, key=lambda trial: max(trial.score.exceeded.values()) if trial.score else inf)
    assert least.score
    missed = ", ".join(f"{name} by {by - 1:.0%}" for name, by in least.score.exceeded.items())
    return (
        f"the spec's setting was also tried at {least.load}: it answered "
        f"{rate(least.score.throughput_rps)} and exceeded {missed}; its own limit lies between "
        "that and the start shown here, so the gain may be less"
    )


def _mib(value: float) -> str:
    return f"{value:,.0f} MiB"


def _measured(
    name: str,
    start: Side,
    best: Side,
    of: Callable[[Side], float],
    write: Callable[[float], str],
    *,
    up: bool,
) -> Row:
    """Return a row whose difference is held against the noise of both sides."""
    before, after = of(start), of(best)
    spans = [s.throughput_ci_rps if up else s.p99_ci_ms for s in (start, best)]
    if start.setting == best.setting:
        return Row(name=name, before=write(before), after=write(after), difference="")
    text = relative(before, after)
    if _overlap(*spans):
        return Row(
            name=name,
            before=write(before),
            after=write(after),
            difference=f"{text}, within noise",
        )
    better = (after > before) == up
    return Row(
        name=name,
        before=write(before),
        after=write(after),
        difference=text,
        tone="good" if better else "bad",
    )


def _overlap(one: Interval | None, other: Interval | None) -> bool:
    if one is None or other is None:
        return False
    highest = min(inf if each[1] is None else each[1] for each in (one, other))
    return max(one[0], other[0]) <= highest


def _plain(
    name: str,
    start: Side,
    best: Side,
    of: Callable[[Score], float],
    write: Callable[[float], str],
) -> Row:
    before, after = of(start.score), of(best.score)
    text = "" if start.setting == best.setting else relative(before, after)
    return Row(name=name, before=write(before), after=write(after), difference=text)


def relative(before: float, after: float) -> str:
    """Return a change as a share of what was before; empty where there is none."""
    if not before:
        return ""
    change = after / before - 1
    return "" if abs(change) < LEAST else f"{change:+.0%}"


def changes(study: Study) -> list[Change]:
    """Return what the winner changes, with what each change does."""
    found, space = study.conclusion, study.space
    if found is None or space is None or found.winner is None or found.verdict != "better":
        return []
    effects = {(each.model, each.parameter): each for each in found.effects}
    return [
        _change(key, before, after, effects.get(key))
        for key, before, after in _differences(found.winner, space.start)
    ]


def _differences(
    winner: Setting, start: Setting
) -> Iterator[tuple[tuple[str, str], object, object]]:
    for key, before, after in winner.unlike(start):
        if key != (SERVER, LOAD):
            yield key, before, after


def _change(key: tuple[str, str], before: object, after: object, effect: Effect | None) -> Change:
    name = f"{key[0] or 'server'} {key[1]}"
    if effect is None:
        return Change(name=name, before=str(before), after=str(after))
    return Change(
        name=name,
        before=str(before),
        after=str(after),
        throughput=f"{effect.throughput:+.0%}",
        p99=f"{effect.p99:+.0%}",
        how="measured" if effect.measured else "simulated",
    )


def words(study: Study, setting: Setting) -> str:
    """Say in what a setting differs from the spec's, by model: `head: count 2, delay 500`."""
    start = study.space.start if study.space else setting
    by_model: dict[str, list[str]] = {}
    for (model, path), _, value in setting.unlike(start):
        said = str(list(value)) if isinstance(value, tuple) else str(value)
        by_model.setdefault(model or "server", []).append(f"{path.rpartition('.')[2]} {said}")
    if (SERVER, LOAD) in setting.by_key:
        mine = by_model.pop("server", [])
        others = [each for each in mine if not each.startswith(f"{LOAD} ")]
        if others:
            by_model["server"] = others
    changed = "; ".join(f"{model}: {', '.join(each)}" for model, each in by_model.items())
    rate_said = setting.by_key.get((SERVER, LOAD))
    at = f" (at {rate_said}/s)" if rate_said is not None else ""
    return (changed or "as it is") + at


def kept(study: Study) -> list[int]:
    """Return the numbers of the front's trials that held all limits; all, where none did."""
    front = study.conclusion.front if study.conclusion else ()
    scores = {trial.number: trial.score for trial in study.scored}
    feasible = [n for n in front if (score := scores.get(n)) and score.feasible]
    return feasible or list(front)
