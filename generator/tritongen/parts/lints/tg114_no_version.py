"""A version policy serves none of the versions that are there.

Triton loads the newest version unless `version_policy` says more. A policy that names only
missing versions, or `latest: {num_versions: 0}`, leaves nothing to load («at least one version
must be available under the version policy»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.views import served, versions

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about models of which no version would be loaded."""
    for model in plan.models.values():
        if model.kind == "external":
            continue
        there = versions(model)
        if not served(model):
            found = ", ".join(map(str, sorted(there))) or "none"
            yield Complaint(
                path=(*model.path, "version_policy"),
                message=f"version_policy of {model.name} serves no version; there are: {found}",
                why="Triton refuses a model of which no version is available",
                fix="name a version that is there, or leave version_policy out",
            )
