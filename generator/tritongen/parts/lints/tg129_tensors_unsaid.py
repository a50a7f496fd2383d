"""A backend that completes no configuration is not told its tensors.

ONNX Runtime, TensorRT, OpenVINO and SavedModels tell Triton their tensors themselves. PyTorch, FIL,
TensorRT-LLM and the identity, repeat and square backends do not: every input and output has to be
written («model configuration must contain at least one input, none were specified»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import backed
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about models of such a backend without inputs or outputs."""
    for item in backed(plan):
        config = item.model.config
        missing = [
            section
            for section, tensors in (("inputs", config.input), ("outputs", config.output))
            if not tensors
        ]
        if missing and not item.backend.completes:
            arguments = item.facts.arguments if item.facts else None
            known = f"; forward() takes {', '.join(arguments)}" if arguments else ""
            yield Complaint(
                path=item.model.path,
                message=f"{item.model.name} does not say its {' and '.join(missing)}, "
                f"and the {item.backend.name} backend can't tell{known}",
                why="the backend refuses a model without them",
                fix=f"add {missing[0][:-1]}: {{NAME: FP32[3]}} (dims without the batch dimension)",
            )
