"""What a model expects and gives, from its configuration; an array in the shape it takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tritongen.errors import SpecError
from tritongen.records.finding import did_you_mean
from tritongen.records.messages import ModelConfig, ModelInput
from tritongen.records.plan import short_type
from tritongen.triton.values import Array, WrongValueError


@dataclass(frozen=True, kw_only=True)
class Input:
    """An input; ``datatype`` is the protocol's name, ``dims`` lack the batch dimension.

    The values of a shape tensor are the sizes of another one, for all rows of a request.
    """

    name: str
    datatype: str
    dims: tuple[int, ...]
    optional: bool
    is_shape_tensor: bool = False


@dataclass(frozen=True, kw_only=True)
class Output:
    """An output; ``labels`` tells that the model knows the names of its classes."""

    name: str
    datatype: str
    labels: bool


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A model as its users see it; ``max_batch_size`` of 0 means that it takes no batches."""

    model: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    max_batch_size: int
    decoupled: bool

    def batches(self, tensor: Input) -> bool:
        """Tell whether the first dimension of an input is the rows of the request."""
        return self.max_batch_size > 0 and not tensor.is_shape_tensor

    def rows(self, arrays: Mapping[str, Array]) -> dict[str, int]:
        """Return how many rows each input of a request has, those that have none left out."""
        batched = [tensor.name for tensor in self.inputs if self.batches(tensor)]
        return {name: len(arrays[name]) for name in batched if name in arrays}

    def shape(self, tensor: Input) -> str:
        """Return the shape that a request must have, for messages: ``[1..8, 3]``."""
        batch = [f"1..{self.max_batch_size}"] if self.batches(tensor) else []
        return "[" + ", ".join([*batch, *("any" if d < 0 else str(d) for d in tensor.dims)]) + "]"

    def expects(self) -> str:
        """Return what to send, a line per input."""
        rows = [(t.name, t.datatype, self.shape(t)) for t in self.inputs]
        wide = [max(len(row[i]) for row in rows) for i in range(3)] if rows else []
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True))
            + ("  optional" if tensor.optional else "")
            for row, tensor in zip(rows, self.inputs, strict=True)
        ]
        batch = f", up to {self.max_batch_size} rows at once" if self.max_batch_size else ""
        return "\n".join([f"{self.model} expects{batch}:", *(f"  {x.rstrip()}" for x in lines)])

    def wrong(self, problems: Sequence[str], fix: str = "") -> SpecError:
        """Return the refusal of a request, with what the model expects."""
        return SpecError("\n".join(problems), why=self.expects(), fix=fix)

    def unknown(self, kind: str, name: str, names: Iterable[str]) -> SpecError:
        """Return the refusal of an input or output that the model has not."""
        names = tuple(names)
        return SpecError(
            f"{self.model} has no {kind} {name!r}",
            why=self.expects() if kind == "input" else f"its outputs are {', '.join(names)}",
            fix=did_you_mean(name, names) or f"name one of its {kind}s: {', '.join(names)}",
        )


def signature(config: ModelConfig) -> Signature:
    """Return what a model expects and gives."""
    return Signature(
        model=config.name,
        inputs=tuple(map(_input, config.input)),
        outputs=tuple(
            Output(name=o.name, datatype=short_type(o.data_type), labels=bool(o.label_filename))
            for o in config.output
        ),
        max_batch_size=config.max_batch_size,
        decoupled=config.model_transaction_policy.decoupled,
    )


def fit(array: Array, tensor: Input, model: Signature) -> Array:
    """Return the array with a batch dimension if the model batches, and the tensor's rank."""
    batch = (-1,) if model.batches(tensor) else ()
    full = (*batch, *tensor.dims)
    if matches(array.shape, full):
        return array
    if batch and matches(array.shape, tensor.dims):
        return array[np.newaxis]
    if array.ndim <= 1 and (shape := _only_shape(array.size, full, tensor.dims)):
        return array.reshape(shape)
    raise WrongValueError(f"the shape {list(array.shape)} does not fit {model.shape(tensor)}")


def matches(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether a shape is the wanted one, where -1 is any size."""
    return len(shape) == len(wanted) and all(
        want in {-1, have} for have, want in zip(shape, wanted, strict=True)
    )


def _only_shape(size: int, full: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...] | None:
    # One row before several: for dims [-1] a flat list is a row, not a batch of numbers.
    for shape in ((1,) * (len(full) - len(dims)) + dims, full):
        known = prod(dim for dim in shape if dim >= 0)
        unknown = shape.count(-1)
        if (unknown == 0 and known == size) or (unknown == 1 and known and size % known == 0):
            return shape if size else None
    return None


def _input(tensor: ModelInput) -> Input:
    return Input(
        name=tensor.name,
        datatype=short_type(tensor.data_type),
        dims=tuple(tensor.dims),
        optional=tensor.optional,
        is_shape_tensor=tensor.is_shape_tensor,
    )
