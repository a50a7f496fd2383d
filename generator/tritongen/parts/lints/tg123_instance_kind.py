"""An instance group is of a kind that its backend does not run.

TensorRT runs on GPUs only («TensorRT backend supports only GPU device»; KIND_MODEL is for engines
over several devices, from 26.06), OpenVINO is a KIND_CPU backend whatever device it then uses
(«Triton openVINO backend supports only CPU device»; `TARGET_DEVICE` chooses it), FIL and DALI know
CPU and GPU. Without a kind, Triton takes GPUs if there are any and the backend's own kind if not.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import backed
from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelInstanceGroup
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about kinds that the backend refuses."""
    for item in backed(plan):
        path = (*item.model.path, "instance_group")
        for number, group in enumerate(item.model.config.instance_group):
            kind = ModelInstanceGroup.Kind.Name(group.kind)
            if group.kind == ModelInstanceGroup.KIND_AUTO or kind in item.backend.kinds:
                continue
            allowed = " or ".join(sorted(item.backend.kinds))
            listed = (*path, number) in plan.places.by_path
            yield Complaint(
                path=(*path, number, "kind") if listed else (*path, "kind"),
                message=f"an instance group of {item.model.name} has kind {kind}, "
                f"{item.backend.name} runs {allowed} only",
                why="the backend refuses the model when it loads it",
                fix=f"say kind: {sorted(item.backend.kinds)[0]}, or leave it out",
            )
