"""The bytes of a file become what Magika's model reads: its beginning and its end, as integers."""

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 4096
"""Whitespace is looked for in this much of either end."""
BEGIN, END = 1024, 1024
"""So many bytes of either end reach the model."""
PADDING = 256
"""Stands where a short file has no byte; a byte is never 256."""


def features(content: NDArray[np.object_]) -> dict[str, NDArray[np.int32]]:
    """content: object[batch, 1] of bytes -> bytes: int32[batch, 2048]."""
    tokens = np.full((len(content), BEGIN + END), PADDING, np.int32)
    for row, data in zip(tokens, content[:, 0], strict=True):
        begin = np.frombuffer(data[:BLOCK_BYTES].lstrip()[:BEGIN], np.uint8)
        end = np.frombuffer(data[-BLOCK_BYTES:].rstrip()[-END:], np.uint8)
        row[: len(begin)] = begin
        row[len(row) - len(end) :] = end
    return {"bytes": tokens}
