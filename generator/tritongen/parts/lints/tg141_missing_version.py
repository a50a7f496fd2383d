"""A version policy names a version that is not there.

With `version_policy: {specific: ...}` Triton loads the versions named that have a folder; of the
others it only writes to its log («the version directory is not present»). Whoever asks for one of
them gets an error.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.views import served, versions

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about versions that are named and not there, if any other is served."""
    for model in plan.models.values():
        if model.kind == "external" or not served(model):
            continue
        missing = sorted(set(model.config.version_policy.specific.versions) - versions(model))
        if missing:
            names = ", ".join(map(str, missing))
            yield Complaint(
                path=(*model.path, "version_policy"),
                message=f"version_policy of {model.name} names {names}, which is not there",
                why="Triton serves the others and only writes this to its log",
                fix=f"add it: versions: {{{missing[0]}: WHERE_IT_IS}}, or take it out",
            )
