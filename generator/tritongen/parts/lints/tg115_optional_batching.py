"""An ONNX model batches and has an optional input.

The ONNX Runtime backend supports optional inputs only for models that do not batch («optional
input 'w' is not supported for models that support batching»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about optional inputs of batching ONNX models."""
    for model in plan.models.values():
        config = model.config
        if config.backend != "onnxruntime" or config.max_batch_size == 0:
            continue
        for tensor in config.input:
            if tensor.optional:
                yield Complaint(
                    path=(*model.path, "input", tensor.name),
                    message=f"input {tensor.name!r} of {model.name} is optional, "
                    "and the model batches",
                    why="the ONNX Runtime backend refuses that",
                    fix="leave the input out (the file's default is used), "
                    "or set max_batch_size: 0",
                )
