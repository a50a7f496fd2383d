"""An execution accelerator is not one of the backend's, or has a setting that it does not take.

ONNX Runtime has `tensorrt` and `cuda` on GPUs and `openvino` on CPUs. It refuses another name
(«unknown Execution Accelerator 'trt' is requested») and, for `tensorrt`, a parameter that it does
not know or a `precision_mode` other than FP32, FP16, BF16 and INT8. Accelerators of GPUs are not
looked at where all instances run on CPUs.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import Backed, backed
from tritongen.records.finding import Complaint, SpecPath, did_you_mean
from tritongen.records.messages import ModelConfig, ModelInstanceGroup, ModelOptimizationPolicy
from tritongen.records.plan import Plan

SEVERITY: Final = "error"
Accelerator = ModelOptimizationPolicy.ExecutionAccelerators.Accelerator


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about accelerators and settings that the backend refuses."""
    for item in backed(plan):
        if not item.backend.accelerators:
            continue
        for device, number, asked in _accelerators(item.model.config):
            field = f"{device}_execution_accelerator"
            path = (*item.model.path, "optimization", "execution_accelerators", field, number)
            for inner, problem, fix in _problems(item, device, asked):
                yield Complaint(
                    path=(*path, *inner),
                    message=f"{item.model.name}: {problem}",
                    why="the backend refuses the model when it loads it",
                    fix=fix,
                )


def _accelerators(config: ModelConfig) -> Iterator[tuple[str, int, Accelerator]]:
    asked = config.optimization.execution_accelerators
    groups = config.instance_group
    if not groups or any(group.kind != ModelInstanceGroup.KIND_CPU for group in groups):
        for number, each in enumerate(asked.gpu_execution_accelerator):
            yield "gpu", number, each
    for number, each in enumerate(asked.cpu_execution_accelerator):
        yield "cpu", number, each


def _problems(item: Backed, device: str, asked: Accelerator) -> Iterator[tuple[SpecPath, str, str]]:
    known, name = item.backend.accelerators[device], asked.name
    if name not in known:
        has = f"has {', '.join(known)}" if known else "has none"
        yield (
            ("name",),
            f"{item.backend.name} has no accelerator {name!r} on a {device.upper()}",
            f"take it out, or name another: {item.backend.name} {has} there",
        )
        return
    allowed = known[name]
    if allowed is None:
        return
    for key, text in sorted(asked.parameters.items()):
        if key not in allowed:
            hint = did_you_mean(key, allowed)
            yield (
                ("parameters", key),
                f"the accelerator {name} has no parameter {key!r}" + (f"; {hint}" if hint else ""),
                "correct its name, or take it out",
            )
        elif not allowed[key].accept(text):
            yield (
                ("parameters", key),
                f"{key} of the accelerator {name} is {text!r}, it wants {allowed[key].words}",
                f"write {allowed[key].words}",
            )
