"""Values made up for a model's inputs, from a seeded generator: the same seed, the same values."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tritongen.records.loadtest import Values
from tritongen.records.units import Range
from tritongen.stages.payloads import images
from tritongen.triton.signature import Input, Signature
from tritongen.triton.values import Array, WrongValueError, array_of_text, numpy_type

VARYING = Range(low=1, high=16)
"""Sizes of a dimension that varies, where nothing was said."""
TEXT = Range(low=1, high=32)
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz      ", np.uint8)


def draw(numbers: np.random.Generator, said: Range) -> int:
    """Draw a whole number from a range: evenly, or evenly on a logarithmic scale."""
    low, high = math.ceil(said.low), math.floor(said.high)
    if said.log:
        drawn = math.exp(numbers.uniform(math.log(low), math.log(high + 1)))
        return min(int(drawn), high)
    return int(numbers.integers(low, high, endpoint=True))


def sizes(
    model: Signature, said: Mapping[str, Values], numbers: np.random.Generator
) -> dict[int, int]:
    """Draw what the varying dimensions of one request are, by their place.

    Inputs agree where the spec does not give each its own: the second dimension of token ids and
    of their mask are one length.
    """
    drawn: dict[int, int] = {}
    for tensor in model.inputs:
        varying = [place for place, dim in enumerate(tensor.dims) if dim < 0]
        ranges = said[tensor.name].dims if tensor.name in said else ()
        for place, each in zip(varying, ranges, strict=False):
            drawn.setdefault(place, draw(numbers, each))
    for tensor in model.inputs:
        for place, dim in enumerate(tensor.dims):
            if dim < 0:
                drawn.setdefault(place, draw(numbers, VARYING))
    return drawn


def values(
    tensor: Input, said: Values, shape: tuple[int, ...], numbers: np.random.Generator
) -> Array:
    """Make an input's values for a shape, the batch dimension included.

    Raises:
        WrongValueError: what was said does not fit the tensor.
        ToolMissingError: it takes Pillow, which is not there.
    """
    dtype = numpy_type(tensor.datatype)
    if said.values is not None:
        return _one_of(tensor, said.values, shape, numbers)
    if dtype.kind == "O":
        return _texts(said, shape, numbers)
    if said.text or said.bytes or said.image:
        kind = "text" if said.text else "bytes" if said.bytes else "image"
        raise WrongValueError(f"`{kind}` makes BYTES, and the input is {tensor.datatype}")
    if said.range is not None:
        return _from_range(said.range, tensor, shape, numbers)
    if dtype.kind == "f":
        return numbers.standard_normal(shape).astype(dtype)
    if tensor.is_shape_tensor:
        return _from_range(VARYING, tensor, shape, numbers)
    return numbers.integers(0, 2 if dtype.kind == "b" else 10, shape).astype(dtype)


def _one_of(
    tensor: Input, said: tuple[str, ...], shape: tuple[int, ...], numbers: np.random.Generator
) -> Array:
    chosen = array_of_text(said[int(numbers.integers(len(said)))], tensor.datatype)
    if chosen.size == 1:
        return np.full(shape, chosen.item(), chosen.dtype)
    try:
        return np.broadcast_to(chosen.reshape(shape[-chosen.ndim :]), shape).copy()
    except ValueError as error:
        raise WrongValueError(
            f"{chosen.size} values do not make the shape {list(shape)}"
        ) from error


def _texts(said: Values, shape: tuple[int, ...], numbers: np.random.Generator) -> Array:
    array = np.empty(math.prod(shape), object)
    for place in range(array.size):
        if said.image is not None:
            width, height = draw(numbers, said.width), draw(numbers, said.height)
            array[place] = images.made(said.image, width, height, numbers)
        elif said.bytes is not None:
            array[place] = numbers.bytes(draw(numbers, said.bytes))
        elif said.range is not None:
            array[place] = str(draw(numbers, said.range)).encode()
        else:
            length = draw(numbers, said.text or TEXT)
            array[place] = numbers.choice(LETTERS, length).tobytes()
    return array.reshape(shape)


def _from_range(
    said: Range, tensor: Input, shape: tuple[int, ...], numbers: np.random.Generator
) -> Array:
    dtype: np.dtype[Any] = numpy_type(tensor.datatype)
    if dtype.kind == "f":
        low, high = (math.log(said.low), math.log(said.high)) if said.log else (said.low, said.high)
        drawn = numbers.uniform(low, high, shape)
        return np.asarray(np.exp(drawn) if said.log else drawn, dtype)
    lowest, highest = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if said.low < lowest or said.high > highest:
        text = f"{said.low:g}..{said.high:g}"
        raise WrongValueError(f"{text} does not fit {tensor.datatype} ({lowest} to {highest})")
    if said.log:
        whole = [draw(numbers, said) for _ in range(math.prod(shape))]
        return np.array(whole, dtype).reshape(shape)
    wide = np.uint64 if said.high >= 2**63 else np.int64
    ends = math.ceil(said.low), math.floor(said.high)
    return numbers.integers(*ends, shape, wide, endpoint=True).astype(dtype)
