"""The kinds of values that a spec holds, each as a schema."""

from typing import Any

from tritongen.records.spelling import Enum, spellings

Schema = dict[str, Any]

ANY_REFERENCE = r"\$\{"
REFERENCE: Schema = {"type": "string", "pattern": ANY_REFERENCE}
TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
FLAG: Schema = {
    "type": ["boolean", "string", "null"],
    "pattern": rf"^(true|false)$|{ANY_REFERENCE}",
}
NUMBER: Schema = {"type": ["number", "string", "null"], "pattern": rf"^[+-]?[0-9.]|{ANY_REFERENCE}"}


def text(pattern: str) -> Schema:
    """Return text of one form."""
    return {"type": ["string", "number", "null"], "pattern": f"{pattern}|{ANY_REFERENCE}"}


def whole(low: int, high: int) -> Schema:
    """Return a whole number within bounds."""
    return {
        "type": ["integer", "string", "null"],
        "minimum": low,
        "maximum": high,
        "pattern": rf"^[+-]?[0-9]+$|{ANY_REFERENCE}",
    }


def choice(enum: Enum) -> Schema:
    """Return one of an enum's values, in capitals or small; those of one spelling are offered."""
    names = list(spellings(enum))
    full = {value.name for value in enum.values}
    is_type = enum.name == "DataType"
    offered = [name if name in full or is_type else name.lower() for name in names]
    others = sorted({spelled for n in names for spelled in (n, n.lower())} - set(offered))
    return {
        "anyOf": [
            {"enum": [*offered, None]},
            {"type": "string", "pattern": rf"^({'|'.join(others)})$|{ANY_REFERENCE}"},
        ]
    }


def listed(value: Schema) -> Schema:
    """Return a list of values; one value is a list of one."""
    if "type" in value:
        return {**value, "type": [*value["type"], "array"], "items": value}
    return {"anyOf": [value, {"type": ["array", "null"], "items": value}]}


def mapping(value: Schema) -> Schema:
    """Return a mapping of any keys to values."""
    return {"type": ["object", "null"], "additionalProperties": value}
