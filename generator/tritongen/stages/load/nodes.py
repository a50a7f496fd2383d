"""The values of a YAML file as they were written, each with its place."""

from dataclasses import dataclass

from tritongen.records.finding import Place
from tritongen.records.scalars import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A scalar. ``plain`` means without quotes: only then can it be null or empty."""

    text: str
    place: Place
    plain: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it says «not said»."""
        return self.plain and self.text in ("null", "~")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written at all."""
        return self.plain and not self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    items: "list[Node]"
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A mapping: ``values`` by key, and where each key stands in ``keys``."""

    values: "dict[str, Node]"
    keys: dict[str, Place]
    place: Place


Node = Text | Items | Entries


def describe(node: Node) -> str:
    """Say what was found, for a message."""
    if isinstance(node, Text):
        return quote(node.text)
    return "a list" if isinstance(node, Items) else "a mapping"
