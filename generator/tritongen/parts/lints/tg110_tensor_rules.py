"""A tensor breaks one of Triton's own rules.

Dims are at least 1, or -1 for a size that varies. A reshape keeps the number of elements and of
varying dimensions; it may be empty only in a batching model. `nhwc` and `nchw` need three dims.
Shape tensors and non-linear formats are TensorRT's own. A name stands once in a list: a second one
loads, and then no request is valid.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelConfig, ModelInput, ModelOutput
from tritongen.records.plan import Plan
from tritongen.records.views import is_tensorrt, tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about dims, reshapes, formats and names that Triton refuses."""
    for model in plan.models.values():
        seen: set[tuple[str, str]] = set()
        for section, path, tensor in tensors(plan, model):
            what = f"{section} {tensor.name!r} of {model.name}"
            for message, fix in _problems(tensor, model.config):
                yield Complaint(
                    path=path,
                    message=f"{what}: {message}",
                    why="Triton refuses the model when it loads it",
                    fix=fix,
                )
            if (section, tensor.name) in seen:
                yield Complaint(
                    path=path,
                    message=f"{what} is listed twice",
                    why="the model loads, and then no request is valid",
                    fix="take one of them out",
                )
            seen.add((section, tensor.name))


def _problems(tensor: ModelInput | ModelOutput, config: ModelConfig) -> Iterator[tuple[str, str]]:
    if not tensor.name:
        yield "it has no name", "give it one"
    bad = [dim for dim in tensor.dims if dim < 1 and dim != -1]
    if bad:
        yield f"dimension {bad[0]} is neither positive nor -1", "use -1 for a size that varies"
    if isinstance(tensor, ModelInput) and tensor.format and len(tensor.dims) != 3:
        yield f"NHWC and NCHW need 3 dims, it has {len(tensor.dims)}", "write all three dims"
    for field in ("is_shape_tensor", "is_non_linear_format_io"):
        if getattr(tensor, field) and not is_tensorrt(config):
            yield f"{field} is for TensorRT engines only", f"leave {field} out"
    if tensor.HasField("reshape"):
        batching = config.max_batch_size > 0
        yield from _reshape_problems(list(tensor.dims), list(tensor.reshape.shape), batching)


def _reshape_problems(
    dims: list[int], shape: list[int], batching: bool
) -> Iterator[tuple[str, str]]:
    if not shape and not batching:
        yield "its reshape is empty, but the model does not batch", "set max_batch_size above 0"
    elif any(dim < 1 and dim != -1 for dim in shape):
        yield f"its reshape is {shape}", "use sizes of at least 1, and -1 for a size that varies"
    elif dims.count(-1) != shape.count(-1):
        yield (
            f"dims {dims} and reshape {shape} differ in the number of -1",
            "keep as many varying dimensions",
        )
    elif _runs(dims) != _runs(shape):
        yield (
            f"dims {dims} and reshape {shape} differ in size",
            "keep the number of elements between varying dimensions",
        )


def _runs(dims: list[int]) -> list[int]:
    """Return the number of elements of each run of fixed dimensions."""
    runs = [1]
    for dim in dims:
        if dim == -1:
            runs.append(1)
        else:
            runs[-1] *= dim
    return runs
