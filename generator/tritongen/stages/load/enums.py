"""Reads the values of Triton's enums: by full name, or without the prefix that all share."""

from typing import Any

from tritongen.records.finding import only_near
from tritongen.records.spelling import SAME_TYPE, spellings
from tritongen.stages.load.codes import CHOICE, Code
from tritongen.stages.load.report import nearest

Enum = Any
"""An enum's descriptor: protobuf has two implementations, whose types have no common parent."""


class Refused(Exception):  # noqa: N818
    """A text is not what its field takes; ``meant`` is what it must have been, if that is plain."""

    def __init__(
        self, code: Code, expected: str, fix: str = "", *, meant: str | None = None
    ) -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected
        self.fix = fix
        self.meant = meant


def enum_value(enum: Enum, text: str) -> int:
    """Return the number of an enum's value; raises :class:`Refused` with the nearest."""
    names = spellings(enum)
    if text.upper() not in names:
        short = [name for name in names if name != enum.values_by_number[names[name]].name]
        expected = "a data type" if enum.name == "DataType" else f"one of {_shown(enum)}"
        meant = SAME_TYPE.get(text.upper().removeprefix("TYPE_"))
        if enum.name == "DataType" and meant:
            short_name = meant.removeprefix("TYPE_")
            raise Refused(CHOICE, expected, f"did you mean `{short_name}`?", meant=short_name)
        word = text.upper()
        if short:  # with the prefix that all share, everything would be near
            full = enum.values_by_number[names[short[0]]].name
            word = word.removeprefix(full.removesuffix(short[0]))
        near = only_near(word, short or names)
        fix = f"did you mean `{near}`?" if near else nearest(text, short or names)
        raise Refused(CHOICE, expected, fix, meant=near)
    return names[text.upper()]


def _shown(enum: Enum) -> str:
    return ", ".join(f"`{value.name}`" for value in enum.values)
