"""Reads the language's own keys through the record's pydantic model, and words its complaints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tritongen.records.finding import Place
from tritongen.records.scalars import Record, quote
from tritongen.records.spec import Source
from tritongen.stages.load.codes import (
    CHOICE,
    EXCLUSIVE,
    LANGUAGE,
    MISSING,
    NAME,
    PATH,
    PYTHON,
    TYPE,
    UNKNOWN_KEY,
    VERSION,
    Code,
)
from tritongen.stages.load.nodes import Entries, Items, Node, Text, describe
from tritongen.stages.load.report import Report, nearest

R = TypeVar("R", bound=Record)

WANTED = {
    "string_type": "text",
    "tuple_type": "a list",
    "mapping_type": "a mapping",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "another form",
    "missing": "a value",
    "too_short": "at least {min_length}",
}
OWN: Mapping[str, Code] = {
    "choice": CHOICE,
    "exclusive": EXCLUSIVE,
    "missing_key": MISSING,
    "language": LANGUAGE,
    "name": NAME,
    "path": PATH,
    "python": PYTHON,
    "version": VERSION,
}
"""The complaints that ``records.spec`` words itself, by the type it gives them."""


def plain(node: Node) -> Any:
    """Return a node as text, lists and dicts."""
    if isinstance(node, Text):
        return node.text
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.values.items()}


def read_keys(
    report: Report, record: type[R], entries: Entries, keys: Mapping[str, Any], owner: str
) -> R | None:
    """Make a record of ``keys``, or note what is wrong with them at their places in ``entries``."""
    try:
        return record.model_validate(keys)
    except ValidationError as error:
        seen: set[Place] = set()
        for detail in error.errors(include_url=False):
            is_unknown = detail["type"] == "extra_forbidden"
            place, name, node = _where(entries, detail["loc"], is_unknown)
            if place not in seen:  # a union complains once for each of its members
                if is_unknown:
                    _note_unknown(report, detail, place, record, owner)
                else:
                    _note(report, detail, place, name, node, owner)
            seen.add(place)
        return None


def _where(
    entries: Entries, location: tuple[str | int, ...], is_unknown: bool
) -> tuple[Place, str, Node]:
    """Follow pydantic's path as far as it was written; it also names union members on the way."""
    node: Node = entries
    place = key = entries.place
    name = ""
    for part in location:
        if part == "[key]":
            return key, name, Text(text=name, place=key)
        if isinstance(node, Entries) and str(part) in node.values:
            name, place = str(part), node.keys[str(part)]
            key = place
            node = node.values[name]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            place = node.place
        else:
            continue
        if isinstance(node, Text) and not is_unknown:
            place = node.place
    return place, name, node


def _note(
    report: Report, detail: ErrorDetails, place: Place, name: str, node: Node, owner: str
) -> None:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "type":
        message = f"{quote(name)} wants {context['message']}, found {describe(node)}"
        report.add(TYPE, place, message, fix=context["fix"])
    elif kind in OWN:
        report.add(OWN[kind], place, context["message"], fix=context["fix"])
    elif kind == "missing":
        key = str(detail["loc"][-1])
        inside = quote(name) if name else owner
        report.missing(place, f"{inside} has no `{key}`", fix=f"add `{key}:`")
    else:
        wanted = WANTED.get(kind, detail["msg"]).format(**context)
        report.add(TYPE, place, f"{quote(name)} wants {wanted}, found {describe(node)}")


def _note_unknown(
    report: Report, detail: ErrorDetails, place: Place, record: type[Record], owner: str
) -> None:
    """Note an unknown key of a record, or of one nested in it."""
    *above, key = map(str, detail["loc"])
    inner = record_at(record, above)
    whose = "a source" if inner is Source else quote(above[-1]) if above else owner
    message = f"{quote(key)} is not a key of {whose}"
    known = [field.alias or name for name, field in inner.model_fields.items()]
    report.add(UNKNOWN_KEY, place, message, fix=nearest(key, known))


def record_at(record: type[Record], keys: Sequence[str]) -> type[Record]:
    """Follow keys into nested records; return the last record.

    Keys of mappings, numbers of lists and pydantic's names of union members lead nowhere.
    """
    for key in keys:
        field = record.model_fields.get(key)
        inner = next(_records(field.annotation), None) if field else None
        if inner is not None:
            record = inner
    return record


def _records(annotation: Any) -> Iterator[type[Record]]:
    """Yield the records that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation
    for part in get_args(annotation):
        yield from _records(part)
