"""Optuna's tree-structured Parzen estimator, which learns from what was measured alone."""

from typing import Final

from tritongen.parts.searches._optuna import ask
from tritongen.parts.searches._task import Proposal, Task

PROFILES: Final = False
TOGETHER: Final = True


def propose(task: Task) -> Proposal | None:
    """Return what Optuna asks for; what was tried already is not measured again."""
    setting = ask(task)
    return None if setting is None else Proposal(setting=setting)
