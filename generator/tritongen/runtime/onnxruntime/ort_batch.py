"""Joins the tensors of several requests into one run of the model, and splits its results."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ort_contract import shape

Array = npt.NDArray[Any]
Shapes = Sequence[tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Job:
    """One request of a batch: its input arrays with batch dim, and the outputs it asks for."""

    position: int
    request: Any
    feed: Mapping[str, Array]
    wanted: frozenset[str]

    @property
    def rows(self) -> int:
        """The batch size; every input of a request has the same first dim."""
        return next(iter(self.feed.values())).shape[0]


def groups(jobs: Sequence[Job], ragged: frozenset[str]) -> list[list[Job]]:
    """Jobs that can be joined: the same inputs, the same shapes but for the rows."""
    if len(jobs) < 2:
        return [list(jobs)] if jobs else []
    grouped: dict[Hashable, list[Job]] = {}
    for job in jobs:
        key = frozenset(
            (name, None if name in ragged else array.shape[1:]) for name, array in job.feed.items()
        )
        grouped.setdefault(key, []).append(job)
    return list(grouped.values())


def join(feeds: Sequence[Mapping[str, Array]], ragged: frozenset[str]) -> dict[str, Array]:
    """One feed of all rows. Ragged inputs become one dimension; a single feed is not copied."""
    joined = {}
    for name in feeds[0]:
        arrays = [feed[name].reshape(-1) if name in ragged else feed[name] for feed in feeds]
        joined[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return joined


def to_onnx(array: Array) -> Array:
    """Strings as ONNX Runtime's Python interface takes them, other arrays as they are.

    A string ends at its first NUL, as in the C++ backend. ONNX Runtime would write bytes objects
    down as "b'...'"; those that are not UTF-8 reach it in a numpy bytes array, which it reads
    beyond the end of an item that fills its width.
    """
    if array.dtype != np.object_:
        return array
    items = [
        item.encode() if isinstance(item, str) else item.split(b"\0", 1)[0]
        for item in array.ravel()
    ]
    try:
        texts = [item.decode() for item in items]
    except UnicodeDecodeError:
        width = 1 + max(map(len, items))
        return np.array(items, dtype=f"S{width}").reshape(array.shape)
    strings = np.empty(len(texts), dtype=np.object_)
    strings[:] = texts
    return strings.reshape(array.shape)


def split(jobs: Sequence[Job], name: str, array: Array) -> list[Array]:
    """The rows of ``array`` that belong to each job, as views.

    Raises ValueError if the array has other rows than the jobs.
    """
    if len(jobs) == 1 and array.shape[:1] == (jobs[0].rows,):
        return [array]
    rows = sum(job.rows for job in jobs)
    if array.shape[:1] != (rows,):
        raise ValueError(
            f"output '{name}' has the shape {shape(array.shape)}, but the batch has {rows} rows"
        )
    ends = np.cumsum([job.rows for job in jobs])
    return np.split(array, ends[:-1])


def scatter(
    jobs: Sequence[Job], name: str, array: Array, *, dims: Sequence[int], source: str
) -> list[Array]:
    """Split a BATCH_SCATTER_WITH_INPUT_SHAPE output: -1 in ``dims`` is as in the job's source.

    ``dims`` has the batch dim. Raises ValueError if the elements do not add up.
    """
    shapes = [
        tuple(
            given if dim == -1 else dim
            for dim, given in zip(dims, job.feed[source].shape, strict=False)
        )
        for job in jobs
    ]
    counts = [math.prod(item) for item in shapes]
    if sum(counts) != array.size:
        raise ValueError(
            f"output '{name}' has {array.size} elements, "
            f"but the shapes of '{source}' add up to {sum(counts)}"
        )
    parts = np.split(array.reshape(-1), np.cumsum(counts)[:-1])
    return [part.reshape(item) for part, item in zip(parts, shapes, strict=True)]


def batch_input(kind: str, data_type: str, shapes: Shapes) -> Array:
    """A ``batch_input`` tensor from the shapes of its source input, one per request.

    The shapes have the batch dim. Triton computes these for C++ backends only.
    """
    dtype = np.float32 if data_type == "TYPE_FP32" else np.int32
    return BATCH_INPUTS[kind](shapes).astype(dtype)


def _counts(shapes: Shapes) -> Array:
    return np.array([math.prod(item) for item in shapes])


def _item_shapes(shapes: Shapes) -> Array:
    items: Iterable[tuple[int, ...]] = (item[1:] for item in shapes for _ in range(item[0]))
    return np.array(list(items))


BATCH_INPUTS: dict[str, Callable[[Shapes], Array]] = {
    "BATCH_ELEMENT_COUNT": _counts,
    "BATCH_ACCUMULATED_ELEMENT_COUNT": lambda shapes: np.cumsum(_counts(shapes)),
    "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO": lambda shapes: np.cumsum([0, *_counts(shapes)]),
    "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE": lambda shapes: np.zeros(max(_counts(shapes))),
    "BATCH_ITEM_SHAPE": _item_shapes,
    "BATCH_ITEM_SHAPE_FLATTEN": lambda shapes: _item_shapes(shapes).reshape(-1),
}
