"""A declared tensor has other dims than in the model's file.

Dims are compared with the batch dimension put before them when `max_batch_size` is above 0. The
rank must be the file's. An input may be fixed where the file leaves it open, never the reverse;
an output's dims must be the file's, -1 for -1. Triton refuses anything else («the model expects
2 dimensions (shape [-1,16]) but the model configuration specifies 2 dimensions ([-1,17])»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelInput, ModelOutput
from tritongen.records.plan import Plan
from tritongen.records.views import declared_tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about declared dims that can't be the file's."""
    for item in declared_tensors(plan):
        shape, dims = item.facts.shape, list(item.tensor.dims)
        batching = item.config.max_batch_size > 0
        if shape is None or not dims or (batching and shape[:1] != (-1,)):
            continue  # TG101 speaks of a fixed batch dimension
        full = _full(item.tensor, batching)
        if not _fits(full, shape, item.section):
            expected = list(shape[1:] if batching else shape)
            yield Complaint(
                path=item.path,
                message=f"{item.label} has dims {dims}{_with_batch(batching)}, "
                f"its file has shape {list(shape)}",
                why="Triton compares the shapes when it loads the model, and refuses it",
                fix=f"write dims {expected}, or leave the tensor out: it is read from the file",
            )


def _full(tensor: ModelInput | ModelOutput, batching: bool) -> list[int]:
    dims = tensor.reshape.shape if tensor.HasField("reshape") else tensor.dims
    return [-1, *dims] if batching else list(dims)


def _fits(full: list[int], shape: tuple[int, ...], section: str) -> bool:
    if not shape and full == [1]:
        return True  # a scalar is served as [1]
    if len(full) != len(shape):
        return False
    loose = section == "input"
    return all(a == b or (loose and b == -1) for a, b in zip(full, shape, strict=True))


def _with_batch(batching: bool) -> str:
    return " after the batch dimension" if batching else ""
