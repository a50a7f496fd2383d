"""Reads the values of Triton's enums: by full name, or without the prefix that all share."""

from functools import cache
from typing import Any

from tritongen.stages.load.codes import CHOICE, Code
from tritongen.stages.load.report import nearest

Enum = Any
"""An enum's descriptor: protobuf has two implementations, whose types have no common parent."""

SAME_TYPE = {
    "BYTES": "TYPE_STRING", "STR": "TYPE_STRING", "UTF8": "TYPE_STRING", "OBJECT": "TYPE_STRING",
    "FLOAT": "TYPE_FP32", "FLOAT16": "TYPE_FP16", "FLOAT32": "TYPE_FP32", "FLOAT64": "TYPE_FP64",
    "HALF": "TYPE_FP16", "DOUBLE": "TYPE_FP64", "BFLOAT16": "TYPE_BF16", "INT": "TYPE_INT32",
    "LONG": "TYPE_INT64", "BOOLEAN": "TYPE_BOOL",
}  # fmt: skip
"""What other programs call a data type; only ``BYTES`` is accepted, the rest are suggestions."""


class Refused(Exception):  # noqa: N818
    """A text is not what its field takes."""

    def __init__(self, code: Code, expected: str, fix: str = "") -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected
        self.fix = fix


def enum_value(enum: Enum, text: str) -> int:
    """Return the number of an enum's value; raises :class:`Refused` with the nearest."""
    names = _names(enum)
    if text.upper() not in names:
        short = [name for name in names if name != enum.values_by_number[names[name]].name]
        expected = "a data type" if enum.name == "DataType" else f"one of {_shown(enum)}"
        meant = SAME_TYPE.get(text.upper().removeprefix("TYPE_"))
        if enum.name == "DataType" and meant:
            raise Refused(CHOICE, expected, f"did you mean `{meant.removeprefix('TYPE_')}`?")
        raise Refused(CHOICE, expected, nearest(text, short or names))
    return names[text.upper()]


@cache
def _names(enum: Enum) -> dict[str, int]:
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


def _shown(enum: Enum) -> str:
    return ", ".join(f"`{value.name}`" for value in enum.values)
