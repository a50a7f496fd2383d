"""A model batches, but its file fixes the first dimension.

With `max_batch_size` above 0, Triton puts a batch dimension before every tensor's dims, so the
file's own first dimension has to be dynamic. Exporters fix it at the size of the example input
unless told otherwise. Triton refuses the model when it loads it («for the model to support
batching the shape should have at least 1 dimension and the first dimension must be -1»).

Ways out: export again with a dynamic first axis (`torch.onnx.export(..., dynamic_axes={"x": {0:
"batch"}})`), rewrite the axis in the file (`onnx.tools.update_model_dims`), or serve without
batching: `max_batch_size: 0` and the full shape as dims.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short_type
from tritongen.records.views import Declared, declared_tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about tensors whose file has a fixed first dimension in a batching model."""
    for item in declared_tensors(plan):
        shape = item.facts.shape
        if item.config.max_batch_size > 0 and shape is not None and shape[:1] != (-1,):
            yield Complaint(
                path=(*item.model.path, "max_batch_size"),
                message=f"{item.label} is {short_type(item.facts.data_type)}"
                f"[{','.join(map(str, shape))}] in its file: {_what(item)}, "
                f"but max_batch_size is {item.config.max_batch_size}",
                why="a batching model needs a dynamic first dimension; Triton refuses it",
                fix="set max_batch_size: 0, or export the model with a dynamic first axis",
            )


def _what(item: Declared) -> str:
    shape = item.facts.shape
    return f"its first dimension is fixed at {shape[0]}" if shape else "it has no dimension"
