"""Turns YAML text into nodes with places, without guessing what a scalar might be.

It works on the parser's events rather than on PyYAML's node graph: depth, and what aliases
multiply, are bounded while reading, so no file can exhaust the stack or the memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tritongen.records.finding import Place
from tritongen.records.scalars import quote
from tritongen.stages.load.codes import DOCUMENT, DUPLICATE, FILE, STRUCTURE, SYNTAX
from tritongen.stages.load.nodes import Entries, Items, Node, Text, describe
from tritongen.stages.load.report import Report
from tritongen.stages.load.syntax import explain

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEPTH_LIMIT = 100
ALIAS_LIMIT = 1_000_000
"""How many values aliases may add to a file."""


@dataclass(slots=True)
class _Sized:
    """A finished value: how many values it holds and how deep it is, aliases followed."""

    node: Node
    size: int
    height: int


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read; in a mapping, parts alternate key and value."""

    place: Place
    anchor: str | None
    is_mapping: bool
    parts: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 0


class _Stop(Exception):  # noqa: N818
    """The rest of the file cannot be read; why was noted."""


def compose(report: Report, text: str, file: str) -> Entries | None:
    """Return the mapping that a file holds, or ``None`` if it was noted why there is none."""
    reader = _Reader(report, file)
    try:
        for event in _events(report, text, file):
            reader.take(event)
    except _Stop:
        return None
    start = Place(file=file, line=1, column=1)
    if reader.root is None:
        report.add(FILE, start, f"{file} is empty", fix="start it with `name:` and `models:`")
        return None
    if not isinstance(reader.root, Entries):
        report.add(
            DOCUMENT,
            reader.root.place,
            f"a spec is a mapping, found {describe(reader.root)}",
            fix="start it with `name:` and `models:`",
        )
        return None
    return reader.root


def _events(report: Report, text: str, file: str) -> Iterator[Any]:
    try:
        loader = LOADER(text)
        while loader.check_event():
            yield loader.get_event()
    except yaml.YAMLError as error:
        line, column, message, fix = explain(error, text)
        report.add(SYNTAX, Place(file=file, line=line, column=column), message, fix=fix)
        raise _Stop from None


class _Reader:
    """Builds the nodes of one document from its events."""

    def __init__(self, report: Report, file: str) -> None:
        self.report = report
        self.file = file
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.anchors: dict[str, _Sized] = {}
        self.added_by_aliases = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        """Take the next event of the parser."""
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_tag(event)
            plain = event.style is None or event.style == ""
            text = Text(text=event.value, place=self._place(event), plain=plain)
            self._finish(_Sized(text, 1, 1), event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self.open.pop()
            node = (
                self._mapping(done)
                if done.is_mapping
                else Items(items=done.parts, place=done.place)
            )
            self._finish(_Sized(node, done.size, done.height + 1), done.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._one_document(event)

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(file=self.file, line=mark.line + 1, column=mark.column + 1)

    def _one_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.report.add(
                DOCUMENT,
                self._place(event),
                "a second YAML document starts here, a spec is one",
                fix="remove the `---`, or put the second part in a file of its own: -f FILE",
            )
            raise _Stop

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            self.report.add(
                DOCUMENT,
                self._place(event),
                f"the YAML tag {quote(event.tag)} has no meaning in a spec",
                fix="remove the tag; a value is read by the type expected at its place",
            )

    def _begin(self, event: Any) -> None:
        self._refuse_tag(event)
        place = self._place(event)
        if len(self.open) >= DEPTH_LIMIT:
            self._too_deep(place)
        self.open.append(_Open(place, event.anchor, isinstance(event, yaml.MappingStartEvent)))

    def _too_deep(self, place: Place) -> None:
        self.report.add(
            STRUCTURE,
            place,
            f"values are nested more than {DEPTH_LIMIT} levels deep here",
            fix="close the brackets, or check what the aliases refer to",
        )
        raise _Stop

    def _finish(self, done: _Sized, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = done
        if not self.open:
            self.root = done.node
            return
        parent = self.open[-1]
        parent.parts.append(done.node)
        parent.size += done.size
        parent.height = max(parent.height, done.height)

    def _alias(self, event: Any) -> None:
        place = self._place(event)
        target = self.anchors.get(event.anchor)
        if any(parent.anchor == event.anchor for parent in self.open):
            message = f"the alias `*{event.anchor}` stands inside its own anchor"
            self._replace(place, message, "write out what you mean instead of the alias")
            return
        if target is None:
            message = f"there is no anchor `&{event.anchor}` above this alias"
            self._replace(place, message, f"write `&{event.anchor}` before the value you mean")
            return
        self.added_by_aliases += target.size
        if self.added_by_aliases > ALIAS_LIMIT:
            message = f"aliases multiply this file to more than {ALIAS_LIMIT:,} values"
            self.report.add(STRUCTURE, place, message, fix="remove aliases of aliases")
            raise _Stop
        if len(self.open) + target.height > DEPTH_LIMIT:
            self._too_deep(place)
        self._finish(target, None)

    def _replace(self, place: Place, message: str, fix: str) -> None:
        self.report.add(STRUCTURE, place, message, fix=fix)
        self._finish(_Sized(Text(text="null", place=place, plain=True), 1, 1), None)

    def _mapping(self, done: _Open) -> Entries:
        entries = Entries(values={}, keys={}, place=done.place)
        merged: list[Entries] = []
        for key, value in zip(done.parts[::2], done.parts[1::2], strict=True):
            if not isinstance(key, Text) or key.is_empty:
                found = "nothing" if isinstance(key, Text) else describe(key)
                message = f"a key is text, found {found} before the colon"
                self.report.add(DOCUMENT, key.place, message, fix="write a name before the colon")
            elif key.plain and key.text == "<<":
                merged += self._merged(value)
            elif key.text in entries.keys:
                self._duplicate(key, entries.keys[key.text])
            else:
                entries.keys[key.text] = key.place
                entries.values[key.text] = value
        return _beneath(merged, entries) if merged else entries

    def _duplicate(self, key: Text, first: Place) -> None:
        self.report.add(
            DUPLICATE,
            key.place,
            f"{quote(key.text)} was already written at {first}",
            why="one of the two values would be lost",
            fix="keep one of them",
        )

    def _merged(self, value: Node) -> list[Entries]:
        sources = value.items if isinstance(value, Items) else [value]
        found = [source for source in sources if isinstance(source, Entries)]
        for source in sources:
            if not isinstance(source, Entries):
                message = f"`<<` merges a mapping, found {describe(source)}"
                self.report.add(STRUCTURE, source.place, message, fix="write `<<: *anchor`")
        return found


def _beneath(merged: list[Entries], own: Entries) -> Entries:
    """Return ``own`` on top of what it merges; of two merged mappings the first wins."""
    result = Entries(values={}, keys={}, place=own.place)
    for source in [*reversed(merged), own]:
        result.values.update(source.values)
        result.keys.update(source.keys)
    return result
