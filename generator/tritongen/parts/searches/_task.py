"""What a search is asked with, and how good what was tried is."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tritongen.records.study import Score, Setting, Space
from tritongen.records.tune import Goal, Value

MISSED = 1.0
"""What a setting that exceeds a limit loses at least, in the logarithm of the objective."""
STEEP = 3.0
"""And so many times the logarithm of how far."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What the simulation says of a setting before it is measured.

    ``ratios`` maps every limit to what was found over what is allowed (a throughput: the other
    way round), above 1 where it does not hold. ``doubt`` is added to what is not known anyway, as a
    share.
    """

    score: Score
    ratios: Mapping[str, float]
    doubt: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A setting that was measured; without a score it failed.

    ``waiting``: it is about to be measured, and the score is what is expected of it, if anything.
    """

    setting: Setting
    score: Score | None
    ratios: Mapping[str, float]
    waiting: bool = False


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to search, and what is known so far. The same task gets the same answer.

    ``guess`` gives what the simulation expects, ``None`` where it can't tell; with ``fine`` it
    takes longer over it. ``left`` is how many settings may still be measured.
    """

    space: Space
    goal: Goal
    tried: tuple[Tried, ...]
    left: int
    seed: int
    guess: Callable[[Sequence[Setting], bool], list[Guess | None]]

    @property
    def known(self) -> frozenset[Setting]:
        """The settings that were tried."""
        return frozenset(each.setting for each in self.tried)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The setting to measure next, and what is expected of it."""

    setting: Setting
    guess: Guess | None = None
    within: float | None = None


class Search(Protocol):
    """A way to search."""

    @property
    def PROFILES(self) -> bool:  # noqa: N802 - a module's constant
        """Whether it asks the simulation, so that steps have to be profiled first."""

    @property
    def TOGETHER(self) -> bool:  # noqa: N802
        """Whether it may be asked again before what it proposed was measured."""

    def propose(self, task: Task) -> Proposal | float | None:
        """Return what to measure next.

        A number or ``None`` ends the search: by so much (a share) something that was not measured
        may still be better, if that is known.
        """


def objective(score: Score, goal: Goal) -> float:
    """Return what is made as large as possible: the logarithm, so that differences are shares."""
    if goal == "throughput":
        return math.log(max(score.throughput_rps, 1e-9))
    return -math.log(max(score.p99_ms if goal == "p99" else score.cost_per_million, 1e-9))


def missed(ratios: Mapping[str, float]) -> float:
    """Return by how much limits are exceeded, 0 if all hold."""
    return sum(math.log(min(ratio, 1e6)) for ratio in ratios.values() if ratio > 1)


def utility(score: Score, ratios: Mapping[str, float], goal: Goal) -> float:
    """Return one number that is larger for what is better; what exceeds a limit loses."""
    over = missed(ratios)
    return objective(score, goal) - (MISSED + STEEP * over if over else 0.0)


def positions(space: Space, setting: Setting) -> tuple[int, ...]:
    """Return where a setting stands in each dimension."""
    by_key = setting.by_key
    return tuple(each.values.index(by_key[each.key]) for each in space.dimensions)


def at(space: Space, where: Sequence[int]) -> Setting:
    """Return the setting that stands there."""
    values: dict[tuple[str, str], Value] = {
        each.key: each.values[place] for each, place in zip(space.dimensions, where, strict=True)
    }
    return Setting.of(values)
