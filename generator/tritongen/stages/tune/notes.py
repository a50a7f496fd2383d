"""What a reader of a study should know before believing it."""

from collections.abc import Iterator

from tritongen.records.plan import Plan
from tritongen.records.study import Study

LEAK_BYTES = 64 << 20
LEAK_SHARE = 0.8
"""A server whose memory grows so much, and in so many of the trials, goes on growing."""
FEWEST = 4


def notes(plan: Plan, study: Study, untold: str) -> Iterator[str]:
    """Yield them; ``untold`` is why the simulation could not learn from a trial."""
    late = sum(_woke_late(trial.measurement.client) for trial in study.trials if trial.measurement)
    if late:
        yield (
            f"in {late} of {len(study.trials)} trials the load program woke up late, as it does "
            "where a server fills the cores that both share: latencies include it"
        )
    yield from _leak(study)
    guided = study.tune.method == "guided"
    if untold and guided:
        yield f"not all of it could be simulated: {untold}"
    for name in study.tune.search:
        if guided and plan.decoupled(name):
            yield f"{name} may answer several times; the simulation counts one answer"
        for called in plan.spec.models[name].calls if name in plan.spec.models else ():
            if guided:
                yield f"{called} is called by {name}; the simulation does not follow the call"


def _leak(study: Study) -> Iterator[str]:
    seen = [trial.measurement for trial in study.trials if trial.measurement]
    known = [(m.server.memory_bytes, m.total.answered) for m in seen if m.server]
    grown = [(held[1] - held[0], answered) for held, answered in known if held]
    times, every = sum(more > 0 for more, _ in grown), sum(more for more, _ in grown)
    if len(grown) >= FEWEST and times >= LEAK_SHARE * len(grown) and every >= LEAK_BYTES:
        each = every / max(sum(answered for _, answered in grown), 1)
        yield (
            f"the server's memory grew in {times} of {len(grown)} trials, by {every / 2**20:,.0f} "
            f"MiB in all, {each / 1024:,.1f} KiB for each answer: a model seems to keep what it "
            "should let go"
        )


def _woke_late(client: object) -> bool:
    reasons = client.get("distrust", ()) if isinstance(client, dict) else ()
    return any(each["reason"] == "lag" for each in reasons)
