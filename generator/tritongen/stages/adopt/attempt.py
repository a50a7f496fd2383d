"""What a repair of a ``config.pbtxt`` is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Where the parser stopped, in offsets of the text; ``complaint`` is protobuf's."""

    at: int
    complaint: str


@dataclass(frozen=True, kw_only=True)
class Repair:
    """The text with one mistake repaired; ``at`` is where the mistake is, if not at the stop."""

    text: str
    message: str
    fix: str
    code: str = "TG070"
    at: int | None = None


Attempt = Callable[[str, Stop, str], Iterator[Repair]]
"""Yields repairs to try, by the text, where the parser stopped, and the word that stands there."""


def replaced(text: str, start: int, end: int, new: str) -> str:
    """Replace a part of a text without moving what is in other lines."""
    return text[:start] + new + "\n" * text[start:end].count("\n") + text[end:]
