"""Settings drawn at random, none twice."""

from typing import Final

from tritongen.parts.searches._task import Proposal, Task, at

PROFILES: Final = False
TOGETHER: Final = True
DRAWS = 1000


def propose(task: Task) -> Proposal | None:
    """Draw one that was not tried; ``None`` where they seem to be used up."""
    import numpy as np

    rng = np.random.default_rng((task.seed, len(task.tried)))
    known = task.known
    for _ in range(DRAWS):
        drawn = [int(rng.integers(len(each.values))) for each in task.space.dimensions]
        setting = at(task.space, drawn)
        if setting not in known:
            return Proposal(setting=setting)
    return None
