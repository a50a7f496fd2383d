"""Ways to search for the best setting: one module each; all see the same space and the same trials.

A search holds no state: what it proposes follows from what was tried, so that a study goes on after
anything, and several workers can share one.
"""

from collections.abc import Mapping

from tritongen.parts.searches import grid, guided, hill_climb, random, tpe
from tritongen.parts.searches._task import (
    Guess,
    Proposal,
    Search,
    Task,
    Tried,
    missed,
    objective,
    positions,
    utility,
)

__all__ = [
    "SEARCHES",
    "Guess",
    "Proposal",
    "Search",
    "Task",
    "Tried",
    "missed",
    "objective",
    "positions",
    "utility",
]

SEARCHES: Mapping[str, Search] = {
    "guided": guided,
    "tpe": tpe,
    "random": random,
    "grid": grid,
    "hill_climb": hill_climb,
}
"""What ``method:`` may be."""
