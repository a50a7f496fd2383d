"""The winner's values as decisions, each with what showed it."""

from tritongen.records.plan import Decision, Plan
from tritongen.records.study import SERVER, Effect, Study
from tritongen.stages.tune.settings import written


def tuned(plan: Plan, study: Study) -> tuple[Decision, ...]:
    """Return the values in which the winner differs from the spec; none without a better one."""
    found, space = study.conclusion, study.space
    if found is None or space is None or found.winner is None or found.verdict != "better":
        return ()
    effects = {(effect.model, effect.parameter): effect for effect in found.effects}
    start, winner = space.start.configuration, found.winner.configuration
    decisions = []
    for (model, path), before, after in winner.unlike(start):
        where = ("server",) if model == SERVER else plan.models[model].path
        effect = effects.get((model, path))
        decisions.append(
            Decision(
                path=(*where, *path.split(".")),
                value=str(written(path, after)),
                source="tuned",
                why=_why(effect, before, study.tune.loadtest),
            )
        )
    return tuple(decisions)


def _why(effect: Effect | None, before: object, loadtest: str) -> str:
    if effect is None:
        return f"it was {before}; part of the best setting under {loadtest}"
    how = "measured" if effect.measured else "simulated"
    return (
        f"it was {before}; {effect.throughput:+.0%} throughput and {effect.p99:+.0%} p99 under "
        f"{loadtest}, the rest being as tuned ({how})"
    )
