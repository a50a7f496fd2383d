"""A group of instances can't be made, or can't be used.

`gpus` names the GPUs of a group of kind GPU (or AUTO); Triton refuses it for CPU and MODEL («has
kind KIND_CPU but specifies one or more GPUs»). `profile` chooses an optimization profile of a
TensorRT engine and is refused elsewhere. A passive instance is never given a request; if all of a
model's instances are passive, the first request ends the whole server (SIGSEGV).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelConfig, ModelInstanceGroup
from tritongen.records.plan import Plan
from tritongen.records.views import is_tensorrt

SEVERITY: Final = "error"
REFUSED = "Triton refuses the model when it loads it"
WITHOUT_GPUS = (ModelInstanceGroup.KIND_CPU, ModelInstanceGroup.KIND_MODEL)


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about groups that Triton refuses or dies of."""
    for model in plan.models.values():
        path = (*model.path, "instance_group")
        groups = model.config.instance_group
        if groups and all(group.passive for group in groups):
            yield Complaint(
                path=path,
                message=f"every instance of {model.name} is passive",
                why="the model loads, and its first request ends the server (SIGSEGV)",
                fix="leave passive out in one group at least",
            )
        for number, group in enumerate(groups):
            for field, problem, fix in _problems(group, model.config):
                yield Complaint(
                    path=(*path, number, field)
                    if (*path, number) in plan.places.by_path
                    else (*path, field),
                    message=f"an instance group of {model.name} {problem}",
                    why=REFUSED,
                    fix=fix,
                )


def _problems(group: ModelInstanceGroup, config: ModelConfig) -> Iterator[tuple[str, str, str]]:
    kind = ModelInstanceGroup.Kind.Name(group.kind)
    if group.gpus and group.kind in WITHOUT_GPUS:
        yield "gpus", f"has kind {kind} and names GPUs", "leave gpus out, or say kind: gpu"
    if group.profile and not is_tensorrt(config):
        yield (
            "profile",
            f"has a profile, which only TensorRT engines have; its backend is {config.backend}",
            "leave profile out",
        )
    wrong = [profile for profile in group.profile if not profile.isdecimal()]
    if wrong and is_tensorrt(config):
        yield "profile", f"has the profile {wrong[0]!r}", "name profiles by number: 0, 1, ..."
