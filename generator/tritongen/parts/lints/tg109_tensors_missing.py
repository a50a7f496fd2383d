"""A plain step does not say its inputs or outputs.

A function's parameters have names and no shapes. Types and dims have to be written, because
Triton checks every request against them and the runner every answer.
"""

from collections.abc import Iterator, Set
from typing import Final

from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.views import declared_tensors, tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about plain steps without declared tensors, and tensors without a type."""
    # A type in the file that Triton has no name for is TG107's.
    nameless = {
        item.path for item in declared_tensors(plan) if item.facts.data_type == "TYPE_INVALID"
    }
    for model in plan.models.values():
        if model.kind == "step":
            for section, declared in (
                ("input", model.config.input),
                ("output", model.config.output),
            ):
                if not declared:
                    yield Complaint(
                        path=model.path,
                        message=f"the step {model.name} does not say its {section}s",
                        why="the shapes of a function's arrays can't be read from its code",
                        fix=f"add {section}: {{NAME: FP32[3]}} (dims without the batch dimension)",
                    )
        yield from _untyped(plan, model, nameless)


def _untyped(plan: Plan, model: PlannedModel, nameless: Set[SpecPath]) -> Iterator[Complaint]:
    if plan.auto_complete and model.kind != "step":
        return
    for section, path, tensor in tensors(plan, model):
        if path in nameless and tensor.dims:
            continue
        if not tensor.data_type or not tensor.dims:
            yield Complaint(
                path=path,
                message=f"{section} {tensor.name!r} of {model.name} has no "
                f"{'dims' if tensor.data_type else 'data type'}",
                why="Triton refuses a tensor without them, and nothing here knows them",
                fix=f"write them: {tensor.name}: FP32[3,224,224]",
            )
