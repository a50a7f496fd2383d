"""A model of the stack stands in a repository that its servers do not have.

`external: true` says that a model is in another repository of the same server. The stack's servers
have one repository, that of the spec: Triton loads no ensemble whose step is not there. Mount the
other one and name it, under `extra:`, for instance

    docker-compose.yml:
      services:
        triton:
          command: [tritonserver, --model-repository=/models, --model-repository=/others]
          volumes: [./model_repository:/models:ro, ./others:/others:ro]
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.stack import COMPOSE_FILE, TRITON

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about external models, unless ``extra`` says what Triton is started with."""
    if plan.stack is None or _says_command(plan.stack.extra):
        return
    for model in plan.models.values():
        if model.kind == "external":
            yield Complaint(
                path=(*model.path, "external"),
                message=f"the stack's servers do not have the repository of {model.name}",
                why="they have the spec's own only, and load no ensemble with a step elsewhere",
                fix="say under stack: {extra: ...} which other one they have, or give its source:",
            )


def _says_command(extra: Any) -> bool:
    for key in (COMPOSE_FILE, "services", TRITON, "command"):
        if not isinstance(extra, Mapping):
            return False
        extra = extra.get(key)
    return extra is not None
