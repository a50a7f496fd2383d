"""What the Python steps of a plan need, line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tritongen.records.finding import SpecPath
from tritongen.records.plan import Plan

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of pip's: ``package`` as pip compares names, empty for an option of its own."""

    model: str
    path: SpecPath
    text: str
    package: str

    @property
    def hashed(self) -> bool:
        """Whether pip can check what it downloads."""
        return "--hash=" in self.text


def lines(plan: Plan) -> Iterator[Line]:
    """Yield the lines of all models."""
    for model, entry in plan.spec.models.items():
        for number, text in enumerate(entry.requirements):
            match = None if text.startswith("-") else NAME.match(text)
            package = re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""
            listed = ("models", model, "requirements", number)
            path = listed if plan.places.of(*listed) else listed[:-1]
            yield Line(model=model, path=path, text=text, package=package)
