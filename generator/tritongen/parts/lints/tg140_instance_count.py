"""A number of instances below one is replaced without a word.

Triton takes `count: 0` and negative counts for «not said» and makes the default number of
instances: one, or two for ONNX models on the CPU. To keep a model from being served, leave it out
of the spec.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about groups with a count that Triton replaces."""
    for model in plan.models.values():
        path = (*model.path, "instance_group")
        for number, group in enumerate(model.config.instance_group):
            listed = (*path, number) in plan.places.by_path
            here = (*path, number, "count") if listed else (*path, "count")
            if group.count < 0 or (group.count == 0 and here in plan.places.by_path):
                yield Complaint(
                    path=here,
                    message=f"{model.name} asks for {group.count} instances",
                    why="Triton makes its default number of them instead",
                    fix="say at least 1, or leave count out",
                )
