"""A tensor's data type can't be carried by the backend that serves it.

BF16 has no numpy type: the Python backend can't hand it to a Python step, and ONNX Runtime's
backend accepts it only from release 26.03 on. Types such as complex or 8-bit floats have no
Triton type at all.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import DataType
from tritongen.records.plan import Plan, PlannedModel, short_type
from tritongen.records.views import declared_tensors, tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about types that backend or release can't carry."""
    for model in plan.models.values():
        for section, path, tensor in tensors(plan, model):
            reason = _reason(plan, model, tensor.data_type)
            if reason:
                yield Complaint(
                    path=path,
                    message=f"{section} {tensor.name!r} of {model.name} is "
                    f"{short_type(tensor.data_type)}: {reason}",
                    why="the model would not load",
                    fix="cast it to FP16 or FP32 at the model's boundary",
                )
    for item in declared_tensors(plan):
        if item.facts.data_type == "TYPE_INVALID":
            yield Complaint(
                path=item.path,
                message=f"{item.label} has a type in its file that Triton has no name for",
                why="Triton can't carry such a tensor",
                fix="cast it inside the model before it is exported",
            )


def _reason(plan: Plan, model: PlannedModel, data_type: int) -> str:
    if data_type != DataType.TYPE_BF16:
        return ""
    if model.kind == "step":
        return "numpy has no such type, so a Python step can't take or give it"
    if model.config.backend == "onnxruntime" and plan.release.tag < "26.03":
        return f"the ONNX Runtime backend of Triton {plan.release.tag} does not take it"
    return ""
