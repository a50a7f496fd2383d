"""The hill climb of Triton Model Analyzer's quick search.

It knows ``max_batch_size`` in powers of two and the number of instances of each model, and nothing
else. From the smallest of all it measures a few neighbours (at most 3 away), steps 5 towards where
they are better, and ends where a step leads back; each point is measured once.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product
from typing import Final

from tritongen.parts.searches._task import Proposal, Task, utility
from tritongen.records.study import Setting
from tritongen.records.tune import Value

PROFILES: Final = False
TOGETHER: Final = False
MOVES = frozenset({"max_batch_size", "instance_group.count"})
RADIUS = 3
STEP = 5
NEIGHBOURS = 3
"""So many have to be measured before a step."""
WIDE = 6
"""With more dimensions neighbours differ in two of them at most, or there would be thousands."""

Place = tuple[int, ...]


def propose(task: Task) -> Proposal | None:
    """Walk again as far as all is measured, and return what is not."""
    grid = _Grid(task)
    if not grid.axes:
        return None
    home = tuple(0 for _ in grid.axes)
    visited: list[Place] = []
    while True:
        if home not in grid.measured:
            return grid.proposal(home)
        near = grid.neighbours(home)
        seen = [place for place in near if place in grid.measured]
        if len(seen) < min(NEIGHBOURS, len(near)):
            return grid.proposal(_most_new(near, [home, *seen]))
        visited.append(home)
        following = grid.step(home, seen)
        if following in visited:
            best = max(grid.measured, key=lambda place: grid.measured[place])
            around = [p for p in grid.neighbours(best) if p not in grid.measured]
            if best in visited or not around:
                return None
            following = best
        home = following


class _Grid:
    """What it moves, and what is known there."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.axes = [
            (each, _powers(each.values) if each.parameter == "max_batch_size" else each.values)
            for each in task.space.dimensions
            if each.parameter in MOVES
        ]
        self.measured: dict[Place, float] = {}
        for tried in task.tried:
            place = self._place(tried.setting)
            if place is not None and self.setting(place) == tried.setting:
                score = tried.score
                self.measured[place] = (
                    utility(score, tried.ratios, task.goal) if score else -math.inf
                )

    def _place(self, setting: Setting) -> Place | None:
        pairs = [(values, setting.by_key[each.key]) for each, values in self.axes]
        if all(value in values for values, value in pairs):
            return tuple(values.index(value) for values, value in pairs)
        return None

    def setting(self, place: Place) -> Setting:
        """Return the setting there; what it does not move stays as it is."""
        values = {each.key: among[n] for (each, among), n in zip(self.axes, place, strict=True)}
        return self.task.space.start.changed(values)

    def proposal(self, place: Place) -> Proposal:
        """Propose the setting there."""
        return Proposal(setting=self.setting(place))

    def neighbours(self, home: Place) -> list[Place]:
        """Return the places around one, the nearest first."""
        reach = [
            range(max(n - RADIUS, 0), min(n + RADIUS + 1, len(values)))
            for n, (_, values) in zip(home, self.axes, strict=True)
        ]
        found = {place for place in _around(home, reach) if 0 < math.dist(place, home) <= RADIUS}
        return sorted(found, key=lambda place: (math.dist(place, home), place))

    def step(self, home: Place, seen: Sequence[Place]) -> Place:
        """Return where a step from ``home`` towards what is better leads, within bounds."""
        vector = [0.0] * len(home)
        for place in seen:
            gain = _gain(self.measured[home], self.measured[place])
            for axis, (a, b) in enumerate(zip(place, home, strict=True)):
                vector[axis] += gain * (a - b)
        length = math.hypot(*vector)
        if not length:
            return home
        return tuple(
            min(max(n + round(STEP * part / length), 0), len(values) - 1)
            for n, part, (_, values) in zip(home, vector, self.axes, strict=True)
        )


def _powers(values: Sequence[Value]) -> tuple[Value, ...]:
    return tuple(v for v in values if isinstance(v, int) and v & (v - 1) == 0)


def _around(home: Place, reach: Sequence[Iterable[int]]) -> Iterator[Place]:
    if len(home) <= WIDE:
        yield from product(*reach)
        return
    for first, second in combinations(range(len(home)), 2):
        for a, b in product(reach[first], reach[second]):
            place = list(home)
            place[first], place[second] = a, b
            yield tuple(place)


def _gain(home: float, place: float) -> float:
    """Return how much better a place is, from -1 to 1; utilities are logarithms."""
    if math.isinf(home) or math.isinf(place):
        return (place > home) - (place < home)
    return min(max(math.expm1(min(place - home, 1.0)), -1.0), 1.0)


def _most_new(near: Sequence[Place], seen: Sequence[Place]) -> Place:
    """Return the place that has most coordinates which none of those seen has."""
    covered = [{place[axis] for place in seen} for axis in range(len(near[0]))]
    fresh = [place for place in near if place not in seen]
    return max(fresh, key=lambda p: sum(n not in covered[axis] for axis, n in enumerate(p)))
