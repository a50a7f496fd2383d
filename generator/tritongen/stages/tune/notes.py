"""What a reader of a study should know before believing it."""

from collections.abc import Iterator

from tritongen.records.plan import Plan
from tritongen.records.study import Study


def notes(plan: Plan, study: Study, untold: str) -> Iterator[str]:
    """Yield them; ``untold`` is why the simulation could not learn from a trial."""
    late = sum(_woke_late(trial.measurement.client) for trial in study.trials if trial.measurement)
    if late:
        yield (
            f"in {late} of {len(study.trials)} trials the load program woke up late, as it does "
            "where a server fills the cores that both share: latencies include it"
        )
    guided = study.tune.method == "guided"
    if untold and guided:
        yield f"not all of it could be simulated: {untold}"
    for name in study.tune.search:
        if guided and plan.decoupled(name):
            yield f"{name} may answer several times; the simulation counts one answer"
        for called in plan.spec.models[name].calls if name in plan.spec.models else ():
            if guided:
                yield f"{called} is called by {name}; the simulation does not follow the call"


def _woke_late(client: object) -> bool:
    reasons = client.get("distrust", ()) if isinstance(client, dict) else ()
    return any(each["reason"] == "lag" for each in reasons)
