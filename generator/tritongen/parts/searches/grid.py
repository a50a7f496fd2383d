"""A grid as fine as the budget allows, from one corner to the other in an order that spreads."""

from itertools import product
from math import prod
from typing import Final

from tritongen.parts.searches._task import Proposal, Task, at

PROFILES: Final = False
TOGETHER: Final = True


def propose(task: Task) -> Proposal | None:
    """Return the next point of the grid that was not tried; ``None`` after the last."""
    import numpy as np

    sizes = [len(each.values) for each in task.space.dimensions]
    points = list(product(*map(_places, sizes, _levels(sizes, len(task.tried) + task.left))))
    order = np.random.default_rng(task.seed).permutation(len(points))
    known = task.known
    for number in order:
        setting = at(task.space, points[number])
        if setting not in known:
            return Proposal(setting=setting)
    return None


def _levels(sizes: list[int], budget: int) -> list[int]:
    """Return how many values of each dimension are taken: alike, as many as the budget allows."""
    levels = [1] * len(sizes)
    while True:
        open_ = [n for n, size in enumerate(sizes) if levels[n] < size]
        if not open_:
            return levels
        least = min(open_, key=lambda n: levels[n])
        levels[least] += 1
        if prod(levels) > budget:
            levels[least] -= 1
            return levels


def _places(size: int, levels: int) -> list[int]:
    """Spread so many places over a dimension; a single one is its middle."""
    if levels == 1:
        return [size // 2]
    return sorted({round(n * (size - 1) / (levels - 1)) for n in range(levels)})
