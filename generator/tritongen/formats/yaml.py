"""YAML as a person writes a spec: short things on one line, quotes only where they are needed.

The loader reads each scalar by the type expected at its place, so ``308``, ``no`` and ``0.90``
stand as they are. A literal ``${`` is written ``$${``, except in keys, which are not replaced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tritongen.formats.yamlscalars import WIDTH, escaped, fits_literal, literal, quoted

FLOW_LEAVES = 6
"""How many values may share a line."""

INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
"""What a text without quotes can't start with."""
FLOW_INDICATORS = frozenset(",[]{}:?")
RESERVED = frozenset({"", "null", "~", "<<"})


@dataclass(frozen=True)
class Block:
    """A mapping with a line for each key, and a comment for some of them."""

    values: Mapping[str, "Value"]
    comments: Mapping[str, str] = field(default_factory=dict)


Value: TypeAlias = "str | Sequence[Value] | Mapping[str, Value] | Block"


def entry(key: str, value: Value, *, indent: int = 0, comment: str = "") -> list[str]:
    """Return the lines of ``key: value``; a comment stands behind it, or above where it is long.

    Line breaks in a comment (names of tensors may hold any) are shown and end no line.
    """
    comment = comment if comment.isprintable() else escaped(comment)
    head = f"{' ' * indent}{_scalar(key)}:"
    short = _one_line(value, len(head) + 1)
    lines = [head, *_below(value, indent + 2)] if short is None else [f"{head} {short}"]
    if isinstance(value, str) and short is None:
        lines = literal(head, value.replace("${", "$${"), indent + 2)
    if comment and len(lines[0]) + len(comment) + 4 <= WIDTH:
        lines[0] += f"  # {comment}"
    elif comment:
        lines.insert(0, f"{' ' * indent}# {comment}")
    return lines


def _below(value: Value, indent: int) -> list[str]:
    """Return a mapping or a list over several lines."""
    if isinstance(value, Block):
        return [
            line
            for key, inner in value.values.items()
            for line in entry(key, inner, indent=indent, comment=value.comments.get(key, ""))
        ]
    if isinstance(value, Mapping):
        return _below(Block(value), indent)
    return [line for item in value for line in _item(item, indent)]


def _item(item: Value, indent: int) -> list[str]:
    """Return an item of a list."""
    dash = f"{' ' * indent}- "
    short = _one_line(item, len(dash))
    if short is not None or isinstance(item, str):
        return [f"{dash}{short or _value(str(item))}"]
    if not isinstance(item, (Mapping, Block)):
        return [f"{dash}{_flow(item)}"]
    lines = _below(item, indent + 2)
    return [f"{dash}{lines[0][indent + 2 :]}", *lines[1:]]


def _one_line(value: Value, column: int) -> str | None:
    """Return a value that can share its key's line, else ``None``."""
    if isinstance(value, Block):
        return None if value.values else "{}"
    if isinstance(value, str):
        return None if fits_literal(value) else _value(value)
    if not value:
        return _flow(value)
    if isinstance(value, Sequence) and not all(isinstance(item, str) for item in value):
        if len(value) > 1:
            return None
    elif _leaves(value) > FLOW_LEAVES and not isinstance(value, Sequence):
        return None
    text = _flow(value)
    return text if column + len(text) <= WIDTH and "\\n" not in text else None


def _leaves(value: Value) -> int:
    if isinstance(value, str):
        return 1
    if isinstance(value, Block):
        return FLOW_LEAVES + 1
    inner = value.values() if isinstance(value, Mapping) else value
    return sum(_leaves(item) for item in inner)


def _flow(value: Value) -> str:
    if isinstance(value, str):
        return _value(value, flow=True)
    if isinstance(value, Block):
        return _flow(value.values)
    if isinstance(value, Mapping):
        pairs = (f"{_scalar(key, flow=True)}: {_flow(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(map(_flow, value))}]"


def _value(text: str, *, flow: bool = False) -> str:
    return _scalar(text.replace("${", "$${"), flow=flow)


def _scalar(text: str, *, flow: bool = False) -> str:
    """Return a text, in quotes if it would be read as something else without."""
    if _is_plain(text) and not (flow and FLOW_INDICATORS & set(text)):
        return text
    return quoted(text)


def _is_plain(text: str) -> bool:
    if text in RESERVED or not text.isprintable() or text != text.strip():
        return False
    negative = text[0] == "-" and text[1:2] not in ("", " ", "-")
    return (
        (negative or text[0] not in INDICATORS)
        and not text.startswith("...")
        and not text.endswith(":")
        and ": " not in text
        and " #" not in text
    )
