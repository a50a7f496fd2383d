"""An option of the server is said that the chosen Triton release does not have.

tritonserver ends when it is started with an option that it does not know («unrecognized option»),
and takes a setting of its metrics that it does not know without a word. The message names the
releases that have it: choose one of them with `triton:`, or leave the option out.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.serveroptions import flags
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about options that came later than the release, or went before it."""
    for path, flag in flags(plan.server):
        lacking = plan.release.lacks(f"flag:{flag}")
        if lacking is not None:
            yield Complaint(
                path=("server", *path),
                message=f"tritonserver of Triton {plan.release.tag} has no {flag}: {lacking}",
                why="the server ends when it is started with an option that it does not know",
                fix="choose another triton: release, or leave it out",
            )
