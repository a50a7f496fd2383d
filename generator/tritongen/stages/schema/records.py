"""Records of the language as schemas, walked from their fields: load tests, objectives, the stack.

Their scalars carry units (`50ms`, `200/s`), so all of them are text to an editor.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from tritongen.records.keys import keys
from tritongen.records.loadtest import LoadTest, Slo
from tritongen.records.scalars import Record
from tritongen.records.stack import Stack
from tritongen.stages.schema.values import FLAG, REFERENCE, TEXT, Schema, listed, mapping

LOAD_RECORDS: tuple[type[Record], ...] = (LoadTest, Slo, Stack)


def load_records() -> dict[str, Schema]:
    """Return the schema of each record that a load test consists of, by its name."""
    return {
        record.__name__: {
            "type": ["object", "array", "string", "number", "null"],
            "additionalProperties": False,
            "properties": {name: _described(record, name) for name in key_names(record)},
            "items": TEXT,
        }
        for record in walk()
    }


def walk() -> Iterator[type[Record]]:
    """Yield the records, each once."""
    ahead, seen = list(LOAD_RECORDS), set[type[Record]]()
    while ahead:
        record = ahead.pop(0)
        if record not in seen:
            seen.add(record)
            yield record
            ahead += [
                one for field in record.model_fields.values() for one in _inside(field.annotation)
            ]


def key_names(record: type[Record]) -> dict[str, Any]:
    """Return the keys as they are written, with the types of their fields."""
    fields = record.model_fields.items()
    return {field.alias or name: field.annotation for name, field in fields}


def _described(record: type[Record], name: str) -> Schema:
    said = keys()[record.__name__][name]
    value = _value(key_names(record)[name])
    default = {} if said.default in (None, "") else {"default": said.default}
    return {**value, "description": said.text, **default}


def _value(kind: Any) -> Schema:
    inside = list(_inside(kind))
    if inside:
        reference: Schema = {"$ref": f"#/definitions/{inside[0].__name__}"}
        if _has(kind, Mapping):
            return mapping(reference)
        return listed(reference) if _has(kind, tuple) else reference
    if _has(kind, Mapping):
        return mapping({} if Any in _parts(kind) else TEXT)
    choices = [
        choice for part in _parts(kind) if get_origin(part) is Literal for choice in get_args(part)
    ]
    if choices:
        several = [listed(TEXT)] if _has(kind, tuple) else []
        return {"anyOf": [{"enum": [*choices, None]}, REFERENCE, *several]}
    if kind is bool:
        return FLAG
    return listed(TEXT) if _has(kind, tuple) else TEXT


def _inside(kind: Any) -> Iterator[type[Record]]:
    """Yield the records that a field's type names, without those that are written as text."""
    for part in _parts(kind):
        if isinstance(part, type) and issubclass(part, Record) and part.__name__ in keys():
            yield part


def _has(kind: Any, origin: type) -> bool:
    return any(get_origin(part) is origin for part in _parts(kind))


def _parts(kind: Any) -> Iterator[Any]:
    """Yield a type and all types in it."""
    yield kind
    if get_origin(kind) is Literal:
        return
    for part in get_args(kind):
        yield from _parts(part)
