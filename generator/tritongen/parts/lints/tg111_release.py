"""Something is used that the chosen Triton release does not have.

Triton reads `config.pbtxt` strictly: one field that it does not know makes it refuse the whole
file («Message type "inference.ModelConfig" has no field named "model_metrics"»). A backend that a
release has not is not found, and a file format that it does not know is not loaded.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts import backends
from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.views import used_fields

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about what came later than the release, or went before it."""
    for model in plan.models.values():
        told: set[str] = set()
        for path, feature in _used(model):
            lacking = plan.release.lacks(feature)
            if lacking is None or any(feature.startswith(f"{outer}.") for outer in told):
                continue
            told.add(feature)
            yield Complaint(
                path=(*model.path, *path),
                message=f"{model.name} uses {feature.replace(':', ' ')}, which Triton "
                f"{plan.release.tag} does not have: {lacking}",
                why="Triton refuses a model with anything that it does not know",
                fix="choose another triton: release, or leave it out",
            )


def _used(model: PlannedModel) -> Iterator[tuple[SpecPath, str]]:
    """Yield what a configuration uses, each with its path in the entry."""
    config = model.config
    name = backends.name_of(config)
    yield ("backend",), f"backend:{name}"
    if config.platform:
        yield ("platform",), f"platform:{config.platform}"
    for parameter in sorted(config.parameters):
        yield ("parameters", parameter), f"parameter:{name}.{parameter}"
    for number, group in enumerate(config.instance_group):
        kind = type(group).Kind.Name(group.kind)
        yield ("instance_group", number, "kind"), f"kind:{name}.{kind}"
    for field in used_fields(config):
        yield tuple(field.split(".")), field
