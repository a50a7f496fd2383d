"""Edits a spec's text where there is one right answer; comments and order stay as they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tritongen.formats.yamltext import end_of, line_end
from tritongen.records.finding import Edit, Finding

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, order=True)
class _Cut:
    """The text from ``start`` to ``end`` (offsets) becomes ``text``."""

    start: int
    end: int
    text: str


def fix(text: str, findings: Sequence[Finding]) -> str:
    """Return the text of one file with the edits of its findings done.

    An edit whose place holds something else than it expects (what ``${NAME}`` was replaced by,
    what was merged with ``<<``) is left out, and so is the later one of two that overlap.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    root = yaml.compose(text, Loader=LOADER)
    at = {(f.place.line, f.place.column): f.edit for f in findings if f.place and f.edit}
    cuts: list[_Cut] = []
    for cut in sorted(_cuts(root, text, at)):
        if not cuts or cut.start >= cuts[-1].end:
            cuts.append(cut)
    for cut in reversed(cuts):
        text = text[: cut.start] + cut.text + text[cut.end :]
    return mark + text


def _cuts(root: Any, text: str, at: dict[tuple[int, int], Edit]) -> Iterator[_Cut]:
    """Yield what to cut, walking the nodes without recursion: a file may be nested deeply."""
    ahead = [root]
    seen: set[int] = set()
    while ahead:
        node = ahead.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        is_mapping = isinstance(node, yaml.MappingNode)
        parts = list(node.value) if is_mapping else [(item, item) for item in node.value]
        for number, (key, value) in enumerate(parts):
            ahead.append(value)
            for scalar in {id(key): key, id(value): value}.values():
                edit = at.get((scalar.start_mark.line + 1, scalar.start_mark.column + 1))
                if edit is None or not isinstance(scalar, yaml.ScalarNode):
                    continue
                if scalar.value != edit.old:
                    continue
                if edit.new is not None:
                    yield _renamed(scalar, edit.new)
                elif scalar is key:
                    yield _removed(node, parts, number, text)


def _renamed(scalar: Any, new: str) -> _Cut:
    quote = scalar.style if scalar.style in ("'", '"') else ""
    return _Cut(scalar.start_mark.index, scalar.end_mark.index, f"{quote}{new}{quote}")


def _removed(node: Any, parts: Sequence[tuple[Any, Any]], number: int, text: str) -> _Cut:
    """Return the cut of an entry or an item: its lines, or its part of a line."""
    key, value = parts[number]
    start, end = key.start_mark.index, end_of(value)
    if len(parts) == 1:
        return _last_removed(node, start, end, text)
    following = parts[number + 1][0].start_mark.index if number + 1 < len(parts) else None
    line = text.rfind("\n", 0, start) + 1
    if node.flow_style:
        if following is not None:
            return _Cut(start, following, "")
        return _Cut(end_of(parts[number - 1][1]), end, "")
    if isinstance(node, yaml.MappingNode) and text[line:start].strip() and following is not None:
        return _Cut(start, following, "")  # the first key after a dash
    return _Cut(line, line_end(text, end), "")


def _last_removed(node: Any, start: int, end: int, text: str) -> _Cut:
    """Return the cut of the only entry: an empty collection stays, on the line of its key."""
    empty = "{}" if isinstance(node, yaml.MappingNode) else "[]"
    if node.flow_style:
        return _Cut(start, end, "")
    before = text[:start].rstrip(" \r\n-" if empty == "[]" else " \r\n")
    if before.endswith(":"):
        return _Cut(len(before), end, f" {empty}")
    return _Cut(start, end, empty)
