"""Requirements of Python steps that can't be installed together.

One image serves all models of a stack, so what their `requirements:` ask for goes into one Python:
two versions of a package can't. And as soon as one line has a hash, pip wants one for every line.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._requirements import Line, lines
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about lines that contradict one above them."""
    if plan.stack is None:
        return
    seen: dict[str, Line] = {}
    hashed = next((line for line in lines(plan) if line.hashed), None)
    for line in lines(plan):
        if not line.package:
            continue
        other = seen.setdefault(line.package, line)
        if other.text != line.text:
            yield Complaint(
                path=line.path,
                message=f"{line.model} needs {line.text!r}, and {other.model} {other.text!r}",
                why="one image serves both, and a package has one version in it",
                fix="write the same line for both",
            )
        if hashed and not line.hashed:
            yield Complaint(
                path=line.path,
                message=f"{line.package} has no hash, and {hashed.package} has",
                why="pip then wants a hash for every line, and installs nothing",
                fix="give all of them hashes: pip-compile --generate-hashes",
            )
