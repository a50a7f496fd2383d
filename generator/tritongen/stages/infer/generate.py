"""Valid input for a model that was given none: always the same."""

from math import prod

import numpy as np

from tritongen.errors import SpecError
from tritongen.triton.signature import Input, Signature
from tritongen.triton.values import Array, WrongValueError, numpy_type

VARYING = 4
"""What a dimension that may have any size gets."""


def generate(signature: Signature, rows: int | None = None) -> dict[str, list[Array]]:
    """Return an array for every input that is needed; for all, if none is.

    ``rows`` is the batch, 1 if not said. Numbers are small, texts are words.
    """
    numbers = np.random.default_rng(0)
    needed = [tensor for tensor in signature.inputs if not tensor.optional]
    try:
        return {
            tensor.name: [
                _values(tensor, (rows or 1,) if signature.batches(tensor) else (), numbers)
            ]
            for tensor in needed or signature.inputs
        }
    except WrongValueError as error:
        raise SpecError(str(error), why=signature.expects()) from error


def _values(tensor: Input, batch: tuple[int, ...], numbers: np.random.Generator) -> Array:
    shape = (*batch, *(VARYING if dim < 0 else dim for dim in tensor.dims))
    dtype = numpy_type(tensor.datatype)
    if dtype.kind == "O":
        words = np.empty(prod(shape), dtype)
        words[:] = [f"text {number}".encode() for number in range(prod(shape))]
        return words.reshape(shape)
    if dtype.kind == "f":
        return numbers.standard_normal(shape).astype(dtype)
    if tensor.is_shape_tensor:
        return np.full(shape, VARYING, dtype)
    return numbers.integers(0, 2 if dtype.kind == "b" else 10, shape).astype(dtype)
