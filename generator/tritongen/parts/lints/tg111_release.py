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
    """Complain about fields that came later than the release, or went before it."""
    for model in plan.models.values():
        for field in used_fields(model.config):
            lacking = plan.release.lacks(field)
            if lacking:
                yield Complaint(
                    path=(*model.path, *field.split(".")),
                    message=f"{model.name} uses {field}: {lacking}",
                    why="Triton refuses a configuration with anything that it does not know",
                    fix="choose another triton: release, or leave it out",
                )
