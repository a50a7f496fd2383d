"""A step asks for a version of its model that is not served.

Triton refuses the ensemble («depends on 'a' whose required version 3 is not loaded»). Only the
newest version is served unless the model's `version_policy` says more.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.views import served, versions

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about steps pinned to versions that the model's policy does not serve."""
    for ensemble, number, step in plan.steps():
        model = plan.models[step.model_name]
        if step.model_version == -1 or model.kind == "external":
            continue
        available = served(model)
        if step.model_version not in available:
            serve = f"version_policy: {{specific: {{versions: [{step.model_version}]}}}}"
            if step.model_version not in versions(model):
                serve = f"versions: {{{step.model_version}: SOURCE}}"
            names = ", ".join(map(str, sorted(available))) or "none"
            yield Complaint(
                path=(*ensemble.path, "steps", number, "version"),
                message=f"version {step.model_version} of {model.name} is not served; "
                f"these are: {names}",
                why="Triton refuses an ensemble whose step is pinned to a missing version",
                fix=f"leave version out for the newest, or serve it: {serve}",
            )
