"""How the values of Triton's enums may be written."""

from functools import cache
from typing import Any

Enum = Any
"""An enum's descriptor: protobuf has two implementations, whose types have no common parent."""

SAME_TYPE = {
    "BYTES": "TYPE_STRING", "STR": "TYPE_STRING", "UTF8": "TYPE_STRING", "OBJECT": "TYPE_STRING",
    "FLOAT": "TYPE_FP32", "FLOAT16": "TYPE_FP16", "FLOAT32": "TYPE_FP32", "FLOAT64": "TYPE_FP64",
    "HALF": "TYPE_FP16", "DOUBLE": "TYPE_FP64", "BFLOAT16": "TYPE_BF16", "INT": "TYPE_INT32",
    "LONG": "TYPE_INT64", "BOOLEAN": "TYPE_BOOL",
}  # fmt: skip
"""What other programs call a data type; a spec accepts ``BYTES``, the rest are suggestions."""


@cache
def spellings(enum: Enum) -> dict[str, int]:
    """Return every accepted spelling of an enum's values, in capitals."""
    full = {value.name: value.number for value in enum.values if value.name != "TYPE_INVALID"}
    prefix = _prefix([value.name for value in enum.values])
    names = full | {name.removeprefix(prefix): number for name, number in full.items()}
    if "TYPE_STRING" in full:
        names["BYTES"] = full["TYPE_STRING"]
    return names


def _prefix(names: list[str]) -> str:
    """Return the words that all of an enum's names start with: ``KIND_``."""
    words = [name.split("_") for name in names]
    shared = 0
    longest = min(len(parts) for parts in words) - 1
    if len(names) == 1:
        longest = min(longest, 1)
    while shared < longest and len({parts[shared] for parts in words}) == 1:
        shared += 1
    return "".join(f"{word}_" for word in words[0][:shared])
