"""Records of the language as schemas, walked from their fields: the server, load tests, the stack.

Scalars that carry units (`50ms`, `64MiB`) are text to an editor.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from tritongen.records.keys import keys
from tritongen.records.loadtest import LoadTest, Slo
from tritongen.records.scalars import Record, Whole
from tritongen.records.server import Server
from tritongen.records.stack import Stack, for_triton
from tritongen.records.tune import Tune
from tritongen.stages.schema.values import FLAG, REFERENCE, TEXT, Schema, listed, mapping, whole

LOAD_RECORDS: tuple[type[Record], ...] = (Server, LoadTest, Slo, Stack, Tune)
READS_WHOLE = get_args(Whole)[1]


def load_records() -> dict[str, Schema]:
    """Return the schema of each record that these parts of the language consist of, by name."""
    return {
        record.__name__: {
            "type": ["object", "array", "string", "number", "boolean", "null"],
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
    field = next(f for n, f in record.model_fields.items() if name in (n, f.alias))
    value = _value(field.annotation)
    if any(getattr(part, "func", None) is for_triton for part in field.metadata):
        value = {**value, "type": [*value["type"], "string", "number"]}
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
        nested = sum(get_origin(part) is Mapping for part in _parts(kind)) > 1
        return mapping({} if nested or Any in _parts(kind) else TEXT)
    choices = [
        choice for part in _parts(kind) if get_origin(part) is Literal for choice in get_args(part)
    ]
    if choices:
        several = [listed(TEXT)] if _has(kind, tuple) else []
        return {"anyOf": [{"enum": [*choices, None]}, REFERENCE, *several]}
    return listed(TEXT) if _has(kind, tuple) else _scalar(list(_parts(kind)))


def _scalar(parts: list[Any]) -> Schema:
    if bool in parts:
        return FLAG
    if READS_WHOLE not in parts:
        return TEXT
    limits = [limit for part in parts for limit in getattr(part, "metadata", ())]
    low = next((limit.ge for limit in limits if hasattr(limit, "ge")), -(2**63))
    high = next((limit.le for limit in limits if hasattr(limit, "le")), 2**63 - 1)
    return whole(low, high)


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
