"""A study becomes a page for people: what was found, how it was found, what did not work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tritongen.records.study import Score, Study, Trial
from tritongen.records.tune import Limits
from tritongen.stages.report import standing
from tritongen.stages.report.axis import (
    linear,
    logarithmic,
    milliseconds,
    number,
    rate,
    share,
    whole,
)
from tritongen.stages.report.chart import Dot, Frame, Line, Mark, scatter
from tritongen.stages.report.pictures import Picture
from tritongen.stages.report.view import Headline, Tile

GOALS = {
    "throughput": "the most answers a second",
    "p99": "the least time for 99 of 100 requests",
    "cost": "the least cost of an answer",
}
WORDS = {
    "better": ("good", "Better"),
    "best": ("good", "Already best"),
    "noisy": ("warn", "Too noisy"),
    "infeasible": ("bad", "Out of reach"),
    "refused": ("bad", "Not measured"),
}
ARROW = "\N{RIGHTWARDS ARROW}"
TIMES = "\N{MULTIPLICATION SIGN}"


def shown(study: Study) -> dict[str, Any]:
    """Return what the page's template is filled with."""
    found = study.conclusion
    return {
        "study": study,
        "headline": headline(study),
        "notes": [*filter(None, [standing.caveat(study)]), *study.notes],
        "tiles": tiles(study),
        "rows": standing.rows(study),
        "changes": bars(study),
        "pictures": list(pictures(study)),
        "front": [line(study, study.trials[n]) for n in standing.kept(study)] if found else [],
        "failed": [line(study, trial) for trial in study.trials if trial.failure],
        "trials": [line(study, trial) for trial in study.trials],
        "facts": dict(facts(study)),
    }


def headline(study: Study) -> Headline:
    """Return what the page says first."""
    if study.conclusion is None:
        return Headline("warn", "Unfinished", "`tritongen tune --resume` goes on with it")
    tone, word = WORDS[study.conclusion.verdict]
    return Headline(tone, word, study.conclusion.sentence)


def tiles(study: Study) -> list[Tile]:
    """Return the start beside the best, in a few figures."""
    wanted = ("throughput", "p99", "p50", "instances", "cost per million")
    return [_tile(row) for row in standing.rows(study) if row.name in wanted]


def _tile(row: standing.Row) -> Tile:
    same = row.before == row.after
    value = row.after if same else f"{_unit_once(row.before, row.after)} {ARROW} {row.after}"
    below = row.difference or ("as it was" if same else "")
    return Tile(name=row.name, value=value, below=below, tone=row.tone)


def _unit_once(before: str, after: str) -> str:
    """Return what stands before an arrow, without a unit that stands behind it, too."""
    for unit in (" ms", " s", " \N{MICRO SIGN}s", "/s"):
        if before.endswith(unit) and after.endswith(unit):
            return before.removesuffix(unit)
    return before


# ---- what the changes do ----


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A change, and how long the bar of its effect is, in percent of the longest."""

    change: standing.Change
    width: float
    good: bool


def bars(study: Study) -> list[Bar]:
    """Return the winner's changes, those that do most first."""
    effects = study.conclusion.effects if study.conclusion else ()
    key = "p99" if study.tune.goal == "p99" else "throughput"
    sizes = {f"{each.model or 'server'} {each.parameter}": getattr(each, key) for each in effects}
    longest = max((abs(size) for size in sizes.values()), default=0.0) or 1.0
    ordered = sorted(standing.changes(study), key=lambda c: -abs(sizes.get(c.name, 0.0)))
    return [
        Bar(
            change=each,
            width=100 * abs(sizes.get(each.name, 0.0)) / longest,
            good=(sizes.get(each.name, 0.0) >= 0) == (key == "throughput"),
        )
        for each in ordered
    ]


# ---- pictures ----


def pictures(study: Study) -> Iterator[Picture]:
    """Yield the front and the trials over time; none before anything was measured."""
    if study.scored:
        yield _front(study)
        yield _over_time(study)


def _named(study: Study) -> Iterator[tuple[str, str, Score]]:
    start, best = standing.sides(study)
    if start is not None:
        same = best is not None and best.setting == start.setting
        yield ("start, best" if same else "start"), "fourth", start.score
        if best is not None and not same:
            yield "best", "good", best.score


def _front(study: Study) -> Picture:
    title = "Throughput and latency"
    text = "Every trial; right and low is better. The line joins what nothing beats. Logarithmic."
    scores = [trial.score for trial in study.scored if trial.score]
    named = list(_named(study))
    limit = _p99_limit(study.tune.limits)
    all_scores = [*scores, *(score for _, _, score in named)]
    heights = [score.p99_ms for score in all_scores] + ([limit] if limit else [])
    most = max(score.throughput_rps for score in all_scores)
    frame = Frame(
        title=title,
        text=text,
        x=whole(0, 1.12 * most, rate),
        y=logarithmic(max(min(heights), 1e-3), 1.3 * max(heights), milliseconds),
        limits=[Mark(at=limit, name=f"p99 \N{LESS-THAN OR EQUAL TO} {milliseconds(limit)}")]
        if limit
        else [],
    )
    dots = [_dot(study, trial) for trial in study.scored]
    dots += [
        Dot(x=s.throughput_rps, y=s.p99_ms, tone=tone, note=f"{name}: {_figures(s)}", name=name)
        for name, tone, s in named
    ]
    best = _steps([score for score in scores if score.feasible] or scores)
    line_ = Line(name="front", tone="middle", points=[(s.throughput_rps, s.p99_ms) for s in best])
    return Picture(title, text, scatter(frame, dots, line_))


def _p99_limit(limits: Limits) -> float | None:
    return None if limits.p99 is None else 1000 * limits.p99


def _dot(study: Study, trial: Trial) -> Dot:
    assert trial.score
    tone = "middle" if trial.score.feasible else "muted"
    note = f"trial {trial.number}, {_figures(trial.score)}: {standing.words(study, trial.setting)}"
    return Dot(x=trial.score.throughput_rps, y=trial.score.p99_ms, tone=tone, note=note)


def _figures(score: Score) -> str:
    return f"{rate(score.throughput_rps)}, p99 {milliseconds(score.p99_ms)}"


def _steps(scores: Sequence[Score]) -> list[Score]:
    """Return those that no other beats in throughput and p99, by throughput."""
    kept: list[Score] = []
    for score in sorted(scores, key=lambda s: (-s.throughput_rps, s.p99_ms)):
        if not kept or score.p99_ms < kept[-1].p99_ms:
            kept.append(score)
    return kept[::-1]


def _over_time(study: Study) -> Picture:
    goal = study.tune.goal
    values = {t.number: _objective(t.score, goal) for t in study.scored if t.score}
    held = {t.number for t in study.scored if t.score and t.score.feasible}
    title = {"throughput": "Answers a second", "p99": "p99", "cost": "Cost per million"}[goal]
    title = f"{title}, trial by trial"
    text = "The line is the best so far of those that held all limits."
    write = {"throughput": rate, "p99": milliseconds, "cost": number}[goal]
    frame = Frame(
        title=title,
        text=text,
        x=whole(0, max(len(study.trials) - 1, 1), number),
        y=linear(0, 1.05 * max(values.values()), write),
    )
    dots = [
        Dot(
            x=trial.number,
            y=values[trial.number],
            tone="middle" if trial.number in held else "muted",
            note=f"trial {trial.number} ({trial.kind}): {standing.words(study, trial.setting)}",
        )
        for trial in study.scored
    ]
    best: list[tuple[float, float | None]] = []
    for n in (n for n in values if n in held):
        last = best[-1][1] if best else None
        now = values[n]
        if last is not None:
            best.append((n, last))
            now = max(now, last) if goal == "throughput" else min(now, last)
        best.append((n, now))
    line_ = Line(name="best so far", tone="good", points=best)
    return Picture(title, text, scatter(frame, dots, *([line_] if best else [])))


def _objective(score: Score, goal: str) -> float:
    names = {"throughput": "throughput_rps", "p99": "p99_ms", "cost": "cost_per_million"}
    return float(getattr(score, names[goal]))


# ---- tables ----


def line(study: Study, trial: Trial) -> dict[str, str]:
    """Return a trial as a row: what was tried and what came of it."""
    score, guess = trial.score, trial.predicted
    exceeded = score.exceeded if score else {}
    return {
        "number": str(trial.number),
        "kind": trial.kind + (f", server {trial.server + 1}" if several(study) else ""),
        "load": trial.load,
        "what": standing.words(study, trial.setting),
        "throughput": rate(score.throughput_rps) if score else "",
        "p99": milliseconds(score.p99_ms) if score else "",
        "memory": f"{score.memory_bytes / 2**20:,.0f} MiB" if score else "",
        "cost": f"{score.cost_per_million:.2f}" if score else "",
        "expected": rate(guess.throughput_rps) if guess else "",
        "exceeded": ", ".join(f"{name} {TIMES}{by:.2g}" for name, by in exceeded.items()),
        "failure": trial.failure or "",
    }


def several(study: Study) -> bool:
    """Tell whether more than one server was measured."""
    return any(trial.server for trial in study.trials)


def facts(study: Study) -> Iterator[tuple[str, str]]:
    """Yield how the study was made."""
    tune, found = study.tune, study.conclusion
    yield "Sought", GOALS[tune.goal]
    yield "Load test", tune.loadtest
    limits = {key: value for key in Limits.model_fields if (value := getattr(tune.limits, key))}
    yield "Limits", ", ".join(_limit(*each) for each in limits.items()) or "none"
    yield "Search", f"{tune.method}, seed {tune.seed}"
    budget = [f"{tune.trials} trials"] if tune.trials else []
    budget += [f"{tune.seconds:g} s"] if tune.seconds else []
    yield "Budget", " and ".join(budget)
    yield (
        "Trials",
        f"{len(study.trials)}, {number(tune.window_s)} s each, {study.took_s / 60:.1f} min in all",
    )
    if study.space:
        names = sorted({f"{d.model} {d.parameter}".strip() for d in study.space.dimensions})
        yield "Searched", f"{study.space.size:,} settings of {', '.join(names)}"
    if tune.pinned:
        yield "Left as it is", "; ".join(f"{name}: {why}" for name, why in tune.pinned.items())
    if study.host.cores:
        name = study.host.machine.partition(", ")[0]
        parts = [name, f"{study.host.cores:g} cores", f"{study.host.gpus} GPUs"]
        yield "Machine", ", ".join(part for part in parts if part)
    elif study.host.machine:
        yield "Servers" if several(study) else "Server", study.host.machine
    if study.host.replicas > 1:
        yield "Replicas", f"{study.host.replicas}, whose instances and answers are counted together"
    if study.began:
        yield "Begun", f"{study.began} UTC"
    if found and found.stopped:
        yield "Ended", found.stopped


def _limit(name: str, value: float) -> str:
    if name in ("p50", "p90", "p95", "p99", "p999"):
        return f"{name} {milliseconds(1000 * value)}"
    if name == "error_rate":
        return f"errors {share(value)}"
    return f"{name} {number(value)}"
