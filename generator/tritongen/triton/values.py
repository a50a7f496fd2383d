"""One value as the user gave it, turned into an array of a tensor's type."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

NUMPY = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(object),
}
"""Triton's types and numpy's; BF16 has none there."""

NO_BF16 = "numpy has no BF16, so such a tensor can't be sent from here"


class WrongValueError(ValueError):
    """A value that is none of the tensor's type; the text says what it is and what is wanted."""


def encoded(array: Array) -> bytes:
    """Return an array as Triton takes it: little-endian; BYTES with 4 bytes of length before."""
    if array.dtype.kind == "O":
        return b"".join(len(each).to_bytes(4, "little") + each for each in array.ravel())
    little: bytes = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return little


def array_of_text(text: str, datatype: str) -> Array:
    """Return what was typed: JSON, numbers with commas, ``true``; any text for BYTES."""
    if datatype == "BYTES":
        listed = _json_list(text)
        return array_of_json(text if listed is None else listed, datatype)
    try:
        value = json.loads(text)
    except ValueError:
        value = [_word(word.strip()) for word in text.split(",")]
        value = value if len(value) > 1 else value[0]
    return array_of_json(value, datatype)


def array_of_json(value: Any, datatype: str) -> Array:
    """Return a JSON value, nested as deep as it is, as an array; every element is checked."""
    dtype = numpy_type(datatype)
    flat: list[Any] = []
    shape = _flatten(value, flat)
    array = np.empty(len(flat), dtype)
    for place, element in enumerate(flat):
        array[place] = _element(element, dtype, datatype)
    return array.reshape(shape)


def array_of_file(name: str, data: bytes, datatype: str) -> Array:
    """Return a file: one element for BYTES; else ``.npy``, ``.json``, or raw little-endian."""
    dtype = numpy_type(datatype)
    if datatype == "BYTES":
        array = np.empty(1, dtype)
        array[0] = data
        return array
    if Path(name).suffix == ".npy":
        return _npy(name, data, dtype, datatype)
    if Path(name).suffix == ".json":
        try:
            return array_of_json(json.loads(data), datatype)
        except (ValueError, RecursionError) as error:
            raise WrongValueError(f"{name}: {error}") from error
    if len(data) % dtype.itemsize:
        raise WrongValueError(
            f"{name} has {len(data)} bytes, no multiple of the {dtype.itemsize} of one {datatype}"
        )
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype)


def numpy_type(datatype: str) -> np.dtype[Any]:
    """Return numpy's type, or raise ``WrongValueError`` where it has none."""
    if datatype not in NUMPY:
        raise WrongValueError(NO_BF16)
    return NUMPY[datatype]


def _npy(name: str, data: bytes, dtype: np.dtype[Any], datatype: str) -> Array:
    try:
        array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise WrongValueError(f"{name} is no readable .npy file: {error}") from error
    if not isinstance(array, np.ndarray):
        raise WrongValueError(f"{name} holds several arrays; give one as .npy")
    if not np.can_cast(array.dtype, dtype, "safe"):
        raise WrongValueError(
            f"{name} holds {array.dtype}, wanted is {datatype} ({dtype}); "
            f'convert it with .astype("{dtype}")'
        )
    return array.astype(dtype)


def _json_list(text: str) -> list[Any] | None:
    try:
        value = json.loads(text) if text.startswith("[") else None
    except ValueError:
        return None
    return value if isinstance(value, list) else None


def _word(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word


def _flatten(value: Any, flat: list[Any]) -> tuple[int, ...]:
    if not isinstance(value, list):
        flat.append(value)
        return ()
    shapes = [_flatten(element, flat) for element in value]
    if len(set(shapes)) > 1:
        raise WrongValueError("the rows of the list differ in length or depth")
    return (len(value), *(shapes[0] if shapes else ()))


def _element(element: Any, dtype: np.dtype[Any], datatype: str) -> bytes | bool | int | float:
    return _bytes(element) if datatype == "BYTES" else _number(element, dtype, datatype)


def _bytes(element: Any) -> bytes:
    if isinstance(element, str):
        return element.encode("utf-8", "surrogateescape")
    if isinstance(element, dict) and set(element) == {"b64"}:
        import base64

        try:
            return base64.b64decode(element["b64"], validate=True)
        except (ValueError, TypeError) as error:
            raise WrongValueError(f"{_shown(element)} is no base64: {error}") from error
    raise WrongValueError(f"{_shown(element)} is no text, as BYTES wants it")


def _number(element: Any, dtype: np.dtype[Any], datatype: str) -> bool | int | float:
    if dtype.kind == "b":
        if not isinstance(element, bool):
            raise WrongValueError(f"{_shown(element)} is neither true nor false, as BOOL wants it")
        return element
    if dtype.kind == "f":
        return _float(element, dtype, datatype)
    if isinstance(element, bool) or not isinstance(element, int):
        raise WrongValueError(f"{_shown(element)} is no whole number, as {datatype} wants it")
    limits = np.iinfo(dtype)
    if not limits.min <= element <= limits.max:
        raise WrongValueError(f"{element} does not fit {datatype} ({limits.min} to {limits.max})")
    return element


def _float(element: Any, dtype: np.dtype[Any], datatype: str) -> float:
    if isinstance(element, str) and element.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        return float(element)
    if isinstance(element, bool) or not isinstance(element, int | float):
        raise WrongValueError(f"{_shown(element)} is no number, as {datatype} wants it")
    try:
        number = float(element)
    except OverflowError:
        number = float("inf")
    with np.errstate(over="ignore"):
        overflows = bool(np.isinf(dtype.type(number)))
    if overflows and element not in {float("inf"), float("-inf")}:
        raise WrongValueError(
            f"{element:g} does not fit {datatype} (largest {np.finfo(dtype).max:g})"
        )
    return number


def _shown(element: Any) -> str:
    text = json.dumps(element, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
