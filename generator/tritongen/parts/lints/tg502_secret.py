"""A parameter looks like a secret.

`parameters` are written to `config.pbtxt` as they are, and Triton shows them to every client that
asks for the model's configuration. Hand secrets to the server's environment instead, and read them
from there.
"""

import re
from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"
SECRET = re.compile(
    r"(^|[_.-])(password|passwd|secret|api_?key|private_?key|secret_?access_?key"
    r"|access_?token|auth_?token)($|[_.-])",
    re.IGNORECASE,
)


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about parameters whose name says that clients must not see them."""
    for model in plan.models.values():
        for key in sorted(model.config.parameters):
            if SECRET.search(key) and model.config.parameters[key].string_value:
                yield Complaint(
                    path=(*model.path, "parameters", key),
                    message=f"the parameter {key} of {model.name} looks like a secret",
                    why="it is written to config.pbtxt, and Triton shows it to every client",
                    fix="read it from an environment variable of the server in the model's code",
                )
