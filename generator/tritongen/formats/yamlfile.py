"""YAML for other programs: typed values, block style, text in quotes wherever it could be misread.

``formats.yaml`` writes specs, whose scalars carry no types. Go's and Python's readers disagree
about YAML 1.1 and 1.2 (``no``, ``0o17``, ``1:30``), so text stands without quotes only if it is
plain to both.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tritongen.formats.yamlscalars import WIDTH, escaped, fits_literal, literal, quoted

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Scalar | Sequence[Value] | Mapping[str, Value] | Commented"

PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.@+-]*(?::[A-Za-z0-9_/.@+-]+)*|[0-9]+(?:ms|[smhdkg])")
"""Text that no reader takes for anything else, but for the words below and numbers."""
WORDS = re.compile(r"(?i)true|false|yes|no|on|off|y|n|null|nan|\.nan|[+-]?\.?inf|\.[0-9_.e+-]*")
TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_/.@+(){},;=<>$'\"*%! -]*[A-Za-z0-9_/.@+()}$%!*]")
"""A sentence: no ``: `` and no `` #`` can be in it."""


@dataclass(frozen=True)
class Commented:
    """A mapping with a comment above some of its keys."""

    values: "Mapping[str, Value]"
    comments: Mapping[str, str] = field(default_factory=dict)


def write(value: Mapping[str, Value] | Commented, *, head: str = "") -> str:
    """Return a document; ``head`` is a comment of any number of lines above it."""
    lines = _below(value, 0) if _short(value, 0) is None else ["{}"]
    return "\n".join([*_comment(head, 0), *lines]) + "\n"


def _mapping(value: "Mapping[str, Value] | Commented", indent: int) -> list[str]:
    block = value if isinstance(value, Commented) else Commented(value)
    lines: list[str] = []
    for key, inner in block.values.items():
        lines += _comment(block.comments.get(key, ""), indent)
        lines += _entry(key, inner, indent)
    return lines


def _comment(text: str, indent: int) -> list[str]:
    shown = (
        "".join(char if char.isprintable() else escaped(char) for char in line)
        for line in text.splitlines()
    )
    return [f"{' ' * indent}# {line}".rstrip() for line in shown]


def _entry(key: str, value: Value, indent: int) -> list[str]:
    head = f"{' ' * indent}{_scalar(key)}:"
    if isinstance(value, str) and fits_literal(value):
        return literal(head, value, indent + 2)
    short = _short(value, len(head) + 1)
    if short is not None:
        return [f"{head} {short}"]
    return [head, *_below(value, indent + 2)]


def _below(value: Value, indent: int) -> list[str]:
    if isinstance(value, Mapping | Commented):
        return _mapping(value, indent)
    assert isinstance(value, Sequence), "a scalar is always short"
    return [line for item in value for line in _item(item, indent)]


def _item(item: Value, indent: int) -> list[str]:
    dash = f"{' ' * indent}- "
    if isinstance(item, str) and fits_literal(item):
        return literal(f"{' ' * indent}-", item, indent + 2)
    short = _short(item, len(dash))
    if short is not None:
        return [f"{dash}{short}"]
    if isinstance(item, Mapping | Commented):
        lines = _mapping(item, indent + 2)
        return [f"{dash}{lines[0].lstrip()}", *lines[1:]]
    return [dash.rstrip(), *_below(item, indent + 2)]


def _short(value: Value, column: int) -> str | None:
    """Return a value that can share its key's line: a scalar, nothing, a short list of scalars."""
    if isinstance(value, Commented):
        return None if value.values else "{}"
    if isinstance(value, Mapping):
        return None if value else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(item, Mapping | Commented | list | tuple) for item in value):
            return None
        text = f"[{', '.join(_in_list(item) for item in value)}]"
        return text if column + len(text) <= WIDTH or not value else None
    return _scalar(value)


def _in_list(value: Value) -> str:
    text = _scalar(value)  # type: ignore[arg-type]
    needs = not text.startswith('"') and set(text) & set(",[]{}")
    return quoted(text) if needs else text


def _scalar(value: Scalar) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        assert math.isfinite(value), "no file here says infinity"
        digits = repr(value)
        # YAML 1.1 knows no number with an exponent but without a point.
        return digits.replace("e", ".0e") if "e" in digits and "." not in digits else digits
    return value if _is_plain(value) else quoted(value)


def _is_plain(text: str) -> bool:
    if WORDS.fullmatch(text):
        return False
    return bool(PLAIN.fullmatch(text) or TEXT.fullmatch(text))
