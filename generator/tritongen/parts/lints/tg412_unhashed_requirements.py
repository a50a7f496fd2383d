"""Requirements without hashes are built into the stack's image.

What pip downloads when the image is built is taken on trust: without a version it changes from day
to day, without a hash a package that was tampered with is installed, and its code runs beside your
models. `pip-compile --generate-hashes` (or `uv pip compile --generate-hashes`) writes a file with
versions and hashes for all that is needed; name it under `requirements:`.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._requirements import lines
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain once for each model, where no line has a hash."""
    if plan.stack is None or any(line.hashed for line in lines(plan)):
        return
    told = set()
    for line in lines(plan):
        if line.package and line.model not in told:
            told.add(line.model)
            yield Complaint(
                path=(*line.path[:2], "requirements"),
                message=f"what {line.model} needs has no hashes",
                why="what pip downloads into the image is not checked, and may change",
                fix="name a file with hashes: pip-compile --generate-hashes writes it",
            )
