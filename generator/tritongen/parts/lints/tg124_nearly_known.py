"""A backend or a parameter is called nearly like one that is known.

Any backend can be added to a server, and any text is a parameter's name, so an unknown one is not
wrong. One that differs by a letter or two from a known one mostly is: Triton ignores a misspelled
parameter without a word, and does not find a misspelled backend.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from tritongen.parts import backends
from tritongen.parts.lints._backends import backed
from tritongen.parts.lints.tg120_backend_name import MEANT
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"
CLOSE = 0.8


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about names that are probably misspelled."""
    for item in backed(plan):
        model, backend = item.model, item.backend
        if backend.name not in backends.TABLE and backend.name not in MEANT:
            for meant in _near(backend.name, backends.TABLE):
                yield Complaint(
                    path=(*model.path, "backend"),
                    message=f"{model.name}: the backend {backend.name!r} is not known; "
                    f"did you mean {meant!r}?",
                    why="Triton finds it only if somebody put it on the server",
                    fix=f"say backend: {meant}",
                )
        for name in sorted(set(model.config.parameters) - set(backend.parameters)):
            for meant in _near(name, backend.parameters):
                yield Complaint(
                    path=(*model.path, "parameters", name),
                    message=f"{model.name}: {backend.name} does not know the parameter {name!r}; "
                    f"did you mean {meant!r}?",
                    why="a parameter that the backend does not know has no effect, silently",
                    fix=f"write {meant}",
                )


def _near(name: str, known: object) -> list[str]:
    names = {each.lower(): each for each in list(known)}  # type: ignore[call-overload]
    return [names[found] for found in get_close_matches(name.lower(), names, n=1, cutoff=CLOSE)]
