"""Ours: the simulation says where to look, each measurement corrects it.

Settings are simulated by the hundred, from the start and what was best so far outwards. What
measurements say beyond the simulation is learned. The one that promises most is measured: its
expected improvement on the best so far, times the chance that it holds all limits. The search ends
where nothing promises anything.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tritongen.parts.searches import random
from tritongen.parts.searches._residual import LATENCY, THROUGHPUT, Residual
from tritongen.parts.searches._task import (
    Guess,
    Proposal,
    Task,
    Tried,
    at,
    objective,
    positions,
    utility,
)
from tritongen.records.study import LOAD, SERVER, Setting
from tritongen.records.tune import Value

PROFILES: Final = True
TOGETHER: Final = True
DRAWN = 60
"""So many settings are drawn anywhere."""
ROUNDS = 6
PARENTS = 6
CHILDREN = 4
"""In each round so many of the best so far get so many neighbours each."""
LOOKED_AT, LOOKS = 8, 5
"""So many of the most promising are simulated longer, then of those that promise most since: near
saturation a short simulation promises too much, where a queue has only begun to grow."""
NOTHING = {"throughput": 0.004, "p99": 0.02, "cost": 0.004}
"""An expected improvement that is not worth a measurement: far below what noise lets see."""
FEWEST = 4
"""Measurements of the search before it may end: the simulation is not believed unseen."""
PLAUSIBLE, HALF = 0.1, 0.5
STEADY = 0.003
"""How much answers a second are in doubt where requests are sent at a rate: less than a step."""
DOUBTED = 0.5
"""A value that failed once, and never worked, works with a chance of a third; twice, a ninth."""
LOAD_APART = 20.0
"""A step along the rates counts like so many along any other dimension: errors at another rate are
others, few far from saturation, many near it."""
HOPELESS = 2.0
"""So many times a limit: what lies beyond is late for as long as it was measured."""
ANSWERS = frozenset({"throughput", "rate"})
"""Limits that fewer answers than simulated miss: so many, or all that are asked for."""
LATENCIES = frozenset({"p50", "p90", "p95", "p99", "p999"})


def propose(task: Task) -> Proposal | float | None:
    """Return the most promising setting; how much better one may be, once none promises much."""
    pool = _pool(task)
    if not pool:  # nothing can be simulated: the server's counters are not seen
        return random.propose(task)
    residuals = _residuals(task)
    ranked, fine = _ranked(task, pool, residuals), dict[Setting, Guess]()
    for _ in range(LOOKS):
        coarse = [each.setting for each in ranked[:LOOKED_AT] if each.setting not in fine]
        if not coarse:
            break
        fine |= _guessed(task, coarse, fine=True)
        ranked = _ranked(task, {**pool, **fine}, residuals)
    best = ranked[0]
    if best.promise < NOTHING[task.goal] and _enough(task):
        return max((each.hope for each in ranked), default=0.0)
    return Proposal(setting=best.setting, guess=best.guess, within=best.hope)


def _enough(task: Task) -> bool:
    done = [each for each in task.tried if not each.waiting]
    return len(done) >= FEWEST and any(each.score and not _over(each) for each in done)


def _over(tried: Tried) -> bool:
    return any(ratio > 1 for ratio in tried.ratios.values())


# ---- which settings are looked at ----


def _pool(task: Task) -> dict[Setting, Guess]:
    """Simulate settings around the best so far, those simulated and those measured."""
    import numpy as np

    rng = np.random.default_rng(task.seed)
    sizes = [len(each.values) for each in task.space.dimensions]
    drawn = [at(task.space, [int(rng.integers(size)) for size in sizes]) for _ in range(DRAWN)]
    measured = sorted(
        (each for each in task.tried if each.score),
        key=lambda each: -utility(each.score, each.ratios, task.goal) if each.score else 0.0,
    )
    first = [task.space.start, *(each.setting for each in measured[:PARENTS]), *drawn]
    everything = _guessed(task, list(dict.fromkeys(first)), fine=False)
    for _ in range(ROUNDS):
        best = sorted(everything, key=lambda s: -_worth(task, everything[s]))[:PARENTS]
        near = [child for parent in best for child in _children(task, parent, sizes, rng)]
        fresh = [each for each in dict.fromkeys(near) if each not in everything]
        everything |= _guessed(task, fresh, fine=False)
    known = task.known
    return {setting: guess for setting, guess in everything.items() if setting not in known}


def _worth(task: Task, guess: Guess) -> float:
    return utility(guess.score, guess.ratios, task.goal)


def _children(task: Task, parent: Setting, sizes: Sequence[int], rng: Any) -> Iterator[Setting]:
    """Yield neighbours: mostly a step in one dimension, sometimes in two."""
    home = positions(task.space, parent)
    for _ in range(CHILDREN):
        where = list(home)
        for axis in rng.permutation(len(sizes))[: 1 + int(rng.random() < 0.4)]:
            step = int(rng.choice([-2, -1, -1, 1, 1, 2]))
            where[axis] = min(max(where[axis] + step, 0), sizes[axis] - 1)
        yield at(task.space, where)


def _guessed(task: Task, settings: Sequence[Setting], *, fine: bool) -> dict[Setting, Guess]:
    guesses = zip(settings, task.guess(settings, fine), strict=True)
    return {setting: guess for setting, guess in guesses if guess is not None}


# ---- how promising they are ----


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """``promise`` is what is expected to be won, ``hope`` what plausibly may be, as shares."""

    setting: Setting
    guess: Guess
    promise: float
    hope: float
    feasible: float


Residuals = Callable[[str], Residual]
"""Gives what was learned of a throughput or of a latency, by name."""


def _ranked(task: Task, pool: dict[Setting, Guess], residuals: Residuals) -> list[_Candidate]:
    """Return the candidates, the most promising first; without a feasible one, the likeliest."""
    sound = _sound(task)
    held = [each.mean for each in _tried(task, residuals) if each.chance > HALF]
    best = max(held, default=None)
    found = []
    for each in _believed(task, pool, residuals):
        mean, spread = each.mean, each.spread
        works = min((sound.get(value, 1.0) for value in each.setting.values), default=1.0)
        chance = works * each.chance
        gain = _improvement(mean - best, spread) if best is not None else math.exp(min(mean, 0))
        hope = mean + spread - best if best is not None and chance > PLAUSIBLE else 0.0
        found.append(
            _Candidate(
                setting=each.setting,
                guess=pool[each.setting],
                promise=chance * gain,
                hope=max(math.expm1(min(hope, 5.0)), 0.0),
                feasible=chance,
            )
        )
    if best is None:
        return sorted(found, key=lambda c: (-round(c.feasible, 1), -_worth(task, c.guess)))
    return sorted(found, key=lambda c: -c.promise)


@dataclass(frozen=True, kw_only=True)
class _Belief:
    """What is believed of a setting: the objective, how sure that is, whether all limits hold."""

    setting: Setting
    mean: float
    spread: float
    chance: float


def _believed(task: Task, guesses: Mapping[Setting, Guess], residuals: Residuals) -> list[_Belief]:
    """Return what simulation and measurements say together."""
    places = [_unit(task, setting) for setting in guesses]
    aim = "p99" if task.goal == "p99" else "throughput"
    names = {"throughput", aim} | _limited(guesses.values())
    known = {name: residuals(name).at(places) for name in names}
    found = []
    for n, (setting, guess) in enumerate(guesses.items()):
        errs = {
            name: (float(means[n]), math.hypot(float(devs[n]), guess.doubt))
            for name, (means, devs) in known.items()
        }
        by, spread = errs[aim]
        if aim == "throughput" and (SERVER, LOAD) in setting.by_key:
            by, spread = 0.0, STEADY  # of a rate that is kept all is answered
        mean = objective(guess.score, task.goal) + (-by if aim == "p99" else by)
        chance = _chance(guess, errs)
        found.append(_Belief(setting=setting, mean=mean, spread=spread, chance=chance))
    return found


def _tried(task: Task, residuals: Residuals) -> list[_Belief]:
    """Return what is believed of what was measured; as it was measured where that is all there is.

    One measurement may have been lucky: what is known of others like it counts, too.
    """
    done = [each for each in task.tried if each.score and not each.waiting]
    guesses = _guessed(task, [each.setting for each in done], fine=True)
    return [
        *_believed(task, guesses, residuals),
        *(
            _Belief(
                setting=each.setting,
                mean=objective(each.score, task.goal),
                spread=0.0,
                chance=0.0 if _over(each) else 1.0,
            )
            for each in done
            if each.score and each.setting not in guesses
        ),
    ]


def best_tried(task: Task) -> list[Setting]:
    """Return what was measured and may hold all limits, what is worth most on average first."""
    held = [each for each in _tried(task, _residuals(task)) if each.chance > PLAUSIBLE]
    return [s.setting for s in sorted(held, key=lambda each: -each.mean - math.log(each.chance))]


def noise(task: Task) -> float:
    """Return how much two latencies of one setting differ: a standard deviation of logarithms.

    Of several that are limited it is the one that differs most.
    """
    residuals = _residuals(task)
    return max((residuals(name).errs.noise for name in _limited(task.tried)), default=LATENCY.noise)


def _sound(task: Task) -> dict[tuple[str, str, Value], float]:
    """Return how likely a value works with which trials failed: the server may refuse it."""
    done = [each for each in task.tried if not each.waiting]
    worked = Counter(value for each in done if each.score for value in each.setting.values)
    failed = Counter(value for each in done if not each.score for value in each.setting.values)
    return {
        value: (worked[value] + DOUBTED) / (worked[value] + count**2 + DOUBTED)
        for value, count in failed.items()
    }


def _limited(known: Iterable[Guess | Tried]) -> set[str]:
    """Return the latencies that are limited."""
    return {name for each in known for name in each.ratios if name in LATENCIES}


def _residuals(task: Task) -> Residuals:
    """Learn from what was measured how the simulation errs, in throughput and in latencies.

    Each limited latency is learned by itself: a 99th percentile differs more from itself than a
    95th does.
    """
    done = [each for each in task.tried if each.score]
    guesses = task.guess([each.setting for each in done], True)
    pairs = [(each, guess) for each, guess in zip(done, guesses, strict=True) if guess is not None]
    places = [_unit(task, each.setting) for each, _ in pairs]

    @cache
    def learned(name: str) -> Residual:
        seen = []
        for each, guess in pairs:
            before, after = (_seen(name, known) for known in (guess, each))
            seen.append(min(max(math.log(after / before), -1.5), 1.5))
        return Residual(THROUGHPUT if name == "throughput" else LATENCY, places, seen)

    return learned


def _seen(name: str, known: Guess | Tried) -> float:
    """Return a throughput; or a latency, in times of its limit where it has one.

    From some times the limit on nothing is learned of how late exactly: a queue grows then.
    """
    assert known.score is not None
    if name == "throughput":
        found = known.score.throughput_rps
    elif name in known.ratios:
        found = min(known.ratios[name], HOPELESS)
    else:
        found = known.score.p99_ms
    return max(found, 1e-9)


def _unit(task: Task, setting: Setting) -> list[float]:
    where = positions(task.space, setting)
    dimensions = task.space.dimensions
    return [
        place / max(len(each.values) - 1, 1) * (LOAD_APART if each.key == (SERVER, LOAD) else 1.0)
        for place, each in zip(where, dimensions, strict=True)
    ]


def _chance(guess: Guess, errs: Mapping[str, tuple[float, float]]) -> float:
    """Return how likely a setting is to hold all limits."""
    chance = 1.0
    for name, ratio in guess.ratios.items():
        over = math.log(max(ratio, 1e-9))
        if name in LATENCIES:
            by, spread = errs[name]
            chance *= _normal(-(over + by) / spread)
        elif name in ANSWERS:
            by, spread = errs["throughput"]
            chance *= _normal(-(over - by) / spread)
        elif ratio > 1:
            return 0.0
    return chance


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _improvement(mean: float, spread: float) -> float:
    """Return the expected part above 0 of something normal."""
    z = mean / spread
    return mean * _normal(z) + spread * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
