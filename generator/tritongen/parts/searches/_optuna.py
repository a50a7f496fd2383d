"""Optuna's samplers: a study in memory is told all that was tried, and asked."""

import warnings
from typing import Any

from tritongen.parts.searches._task import Task, at, missed, objective, positions
from tritongen.records.study import Setting

ASKS = 30
"""So often it is asked for something that was not tried; then it has converged."""


def ask(task: Task) -> Setting | None:
    """Return what the sampler proposes; limits are constraints, values places in their order."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = task.seed * 1000 + len(task.tried)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of its options are marked as experimental
        sampler = optuna.samplers.TPESampler(
            seed=seed, multivariate=True, constraints_func=_missed, n_startup_trials=8
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        _tell(study, task)
        known = task.known
        for _ in range(ASKS):
            trial = study.ask(_distributions(task))
            places = [trial.params[_name(n)] for n in range(len(task.space.dimensions))]
            setting = at(task.space, places)
            if setting not in known:
                return setting
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return None


def _name(number: int) -> str:
    return f"{number:03}"


def _distributions(task: Task) -> dict[str, Any]:
    import optuna

    return {
        _name(number): optuna.distributions.IntDistribution(0, len(each.values) - 1)
        for number, each in enumerate(task.space.dimensions)
    }


def _missed(trial: Any) -> tuple[float]:
    return (float(trial.user_attrs.get("missed", 0.0)),)


def _tell(study: Any, task: Task) -> None:
    import optuna

    distributions = _distributions(task)
    for each in task.tried:
        places = positions(task.space, each.setting)
        params = {_name(number): place for number, place in enumerate(places)}
        if each.score is None:
            state, value, over = optuna.trial.TrialState.FAIL, None, 0.0
        else:
            state = optuna.trial.TrialState.COMPLETE
            value, over = objective(each.score, task.goal), missed(each.ratios)
        trial = optuna.trial.create_trial(
            params=params,
            distributions=distributions,
            value=value,
            state=state,
            user_attrs={"missed": over},
            system_attrs={"constraints": (over,)},
        )
        study.add_trial(trial)
