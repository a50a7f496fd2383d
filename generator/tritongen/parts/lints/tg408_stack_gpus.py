"""A model of the stack needs a GPU that its containers do not get.

`stack: {gpus: ...}` says which GPUs a Triton gets: none if not said. Triton does not load a model
whose instances are on a GPU that is not there, and what runs on GPUs only (TensorRT, TensorRT-LLM,
vLLM, DALI) does not load without one. In a container the GPUs are numbered from 0, whichever of the
host's they are.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts import backends
from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelInstanceGroup
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.stack import PlannedStack

SEVERITY: Final = "error"
GPU_ONLY = frozenset({"dali", "tensorrt", "tensorrtllm", "vllm"})
NO_GPU = "the stack gives its servers no GPU"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about each model that can't be loaded on the GPUs that there are."""
    if plan.stack is None:
        return
    for model in plan.models.values():
        if model.kind != "external":
            yield from _model(model, plan.stack)


def _model(model: PlannedModel, stack: PlannedStack) -> Iterator[Complaint]:
    groups = model.config.instance_group
    asked = any(group.kind == ModelInstanceGroup.KIND_GPU or group.gpus for group in groups)
    backend = backends.name_of(model.config)
    if not stack.gpus and (asked or backend in GPU_ONLY):
        wants = "its instances are on GPUs" if asked else f"{backend} runs on GPUs only"
        yield Complaint(
            path=(*model.path, "instance_group") if asked else model.path,
            message=f"{model.name} needs a GPU ({wants}), and {NO_GPU}",
            why="Triton does not load it, and ends",
            fix="write stack: {gpus: all}" + (", or kind: cpu here" if asked else ""),
        )
    if isinstance(stack.gpus, tuple) and stack.gpus:
        there = len(stack.gpus)
        for gpu in sorted({gpu for group in groups for gpu in group.gpus if gpu >= there}):
            numbers = "0" if there == 1 else f"0 to {there - 1}"
            yield Complaint(
                path=(*model.path, "instance_group"),
                message=f"{model.name} has instances on GPU {gpu}, and a container has {there}",
                why=f"in it they are numbered {numbers}, whichever of the host's they are",
                fix=f"name {numbers} here, or give the stack more: stack: {{gpus: all}}",
            )
