"""Pictures: made up and encoded, or read from a file into a tensor's shape; Pillow does both."""

import io
from typing import Any

import numpy as np

from tritongen.errors import ToolMissingError
from tritongen.triton.signature import Input
from tritongen.triton.values import Array, WrongValueError, numpy_type

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
DETAIL = 16
"""Pixels between two points of the noise that a picture is made of: it compresses as photos do."""


def made(kind: str, width: int, height: int, numbers: np.random.Generator) -> bytes:
    """Return a picture of smooth noise as a JPEG or PNG file."""
    small = numbers.integers(0, 256, (height // DETAIL + 2, width // DETAIL + 2, 3), np.uint8)
    picture = _pillow().fromarray(small).resize((width, height))
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def read(name: str, data: bytes, tensor: Input) -> Array:
    """Return a picture as the tensor takes it: its size and channels, 0..255, or 0..1 as floats."""
    dims = tensor.dims
    if len(dims) != 3 or not {dims[0], dims[2]} & set(MODES):
        raise WrongValueError(
            f"{name} is a picture, and {tensor.datatype}{list(dims)} has no channels first or last"
        )
    last = dims[2] in MODES
    height, width, channels = dims if last else (dims[1], dims[2], dims[0])
    try:
        with _pillow().open(io.BytesIO(data)) as file:
            size = (width if width > 0 else file.width, height if height > 0 else file.height)
            picture = file.convert(MODES[channels]).resize(size)
    except OSError as error:
        raise WrongValueError(f"{name} is no picture that Pillow reads: {error}") from error
    pixels = np.asarray(picture).reshape(size[1], size[0], channels)
    dtype = numpy_type(tensor.datatype)
    array = pixels / np.array(255, dtype) if dtype.kind == "f" else pixels
    return np.ascontiguousarray(array if last else array.transpose(2, 0, 1)).astype(dtype)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolMissingError(
            "pictures are read and written by Pillow, which is not installed",
            fix="pip install pillow",
        ) from error
    return Image
