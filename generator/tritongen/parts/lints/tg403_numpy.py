"""A model asks for NumPy 2 in a release that can't exchange its arrays.

The Python backend of the releases up to 24.12 was built for NumPy 1. With NumPy 2 it misreads
arrays («output tensor shape does not match size of output»). Ask for `numpy<2`, or choose a newer
release.
"""

import re
from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"
LAST = "24.12"
NUMPY_2 = re.compile(r"numpy\s*(?:==|>=|~=)\s*[2-9]", re.IGNORECASE)


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about requirements that want NumPy 2 in an older release."""
    if plan.release.tag > LAST:
        return
    for name, entry in plan.spec.models.items():
        for number, line in enumerate(entry.requirements):
            if NUMPY_2.match(line):
                yield Complaint(
                    path=("models", name, "requirements", number),
                    message=f"{name} asks for {line}, and Triton {plan.release.tag} takes NumPy 1",
                    why="the Python backend of this release misreads the arrays of NumPy 2",
                    fix="ask for numpy<2, or choose a newer triton: release",
                )
