"""A field is used that the chosen Triton release does not have.

Triton reads `config.pbtxt` strictly: one field that it does not know makes it refuse the whole
file («Message type "inference.ModelConfig" has no field named "model_metrics"»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.views import used_fields

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about fields that came later than the release, and backends that went before it."""
    for model in plan.models.values():
        told: set[str] = set()
        for field in (f"backend:{model.config.backend}", *used_fields(model.config)):
            lacking = plan.release.lacks(field)
            if lacking is None or any(field.startswith(f"{outer}.") for outer in told):
                continue
            told.add(field)
            yield Complaint(
                path=(*model.path, *field.partition(":")[0].split(".")),
                message=f"{model.name} uses {field.replace(':', ' ')}, which Triton "
                f"{plan.release.tag} does not have: {lacking}",
                why="Triton refuses a model with anything that it does not know",
                fix="choose another triton: release, or leave it out",
            )
