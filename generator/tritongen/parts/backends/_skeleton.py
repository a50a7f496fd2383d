"""An ONNX file without its weights: what is left is small however big the file is.

The weights of a 2 GB file would be read, copied and parsed for a handful of names and shapes. The
format is protobuf's: fields with a number, a kind and a length, so weights can be stepped over.
"""

from collections.abc import Callable, Iterator
from typing import Final

GRAPH, INITIALIZER = 7, 5
"""Field numbers of ``ModelProto.graph`` and ``GraphProto.initializer``."""
DATA: Final = frozenset({4, 5, 6, 7, 9, 10, 11})
"""The fields of ``TensorProto`` that hold values: ``float_data``, ``raw_data`` and the like."""
KEPT_BYTES = 4096
"""Values up to this size stay: shapes are computed from them."""

_SIZES = {1: 8, 5: 4}


class DamagedError(ValueError):
    """The bytes are not a protobuf message: cut short, or something else."""


def skeleton(model: memoryview) -> bytes:
    """Return a serialized ``ModelProto`` without the large values of its graph's initializers."""
    return _copy(model, {GRAPH: lambda graph: _copy(graph, {INITIALIZER: _tensor})})


def _copy(message: memoryview, within: dict[int, Callable[[memoryview], bytes]]) -> bytes:
    parts: list[bytes | memoryview] = []
    for number, whole, value in _fields(message):
        if number in within and value is not None:
            inner = within[number](value)
            parts += [_varint(number << 3 | 2), _varint(len(inner)), inner]
        else:
            parts.append(whole)
    return b"".join(parts)


def _tensor(tensor: memoryview) -> bytes:
    return b"".join(
        whole
        for number, whole, value in _fields(tensor)
        if number not in DATA or len(whole) <= KEPT_BYTES
    )


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview | None]]:
    """Yield each field's number, all its bytes, and its value if it has a length of its own."""
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        number, kind = key >> 3, key & 7
        value = None
        if kind == 0:
            _, at = _read_varint(message, at)
        elif kind == 2:
            length, at = _read_varint(message, at)
            value = message[at : at + length]
            at += length
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            raise DamagedError(f"no field starts at byte {start}")
        if at > len(message) or not number:
            raise DamagedError(f"the field at byte {start} ends behind the end")
        yield number, message[start:at], value


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise DamagedError("the end comes in the middle of a number")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise DamagedError(f"no number of this format is at byte {at}")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
