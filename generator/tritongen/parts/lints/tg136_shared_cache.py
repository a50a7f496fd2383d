"""Ensembles that share a cached model ask it for different outputs.

The response cache finds an answer by the model and its inputs; which outputs were asked for is no
part of that. What the one ensemble's request cached is handed to the other, with outputs missing:
a 200 without them, or an error of the next step. Map the same outputs everywhere, or cache the
ensembles instead of the step.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about cached models that two steps ask for different outputs."""
    asked: dict[str, tuple[frozenset[str], str]] = {}
    for ensemble, number, step in plan.steps():
        name = step.model_name
        if not plan.models[name].config.response_cache.enable:
            continue
        outputs, first = asked.setdefault(name, (frozenset(step.output_map), ensemble.name))
        different = outputs ^ frozenset(step.output_map)
        if different:
            path: SpecPath = (*ensemble.path, "steps", number)
            yield Complaint(
                path=path,
                message=f"the cached model {name} is asked for other outputs here than in "
                f"{first}: {', '.join(sorted(different))}",
                why="an answer cached for one of them is given to the other, outputs missing",
                fix=f"map the same outputs in both, or take response_cache from {name} "
                "and cache the ensembles",
            )
