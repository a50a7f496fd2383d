"""Triton's messages as schemas, walked from the descriptor of ``ModelConfig``."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from tritongen.records.keys import keys
from tritongen.records.messages import DataType, ModelConfig
from tritongen.records.release import features
from tritongen.records.spelling import spellings
from tritongen.stages.schema.values import (
    ANY_REFERENCE,
    FLAG,
    NUMBER,
    TEXT,
    Schema,
    choice,
    listed,
    mapping,
    whole,
)

PACKAGE = "inference."
Descriptor = Any
Field = Any

RANGES = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
ALSO_TEXT: dict[str, Schema] = {
    "ModelParameter": {},
    "ModelSequenceBatching.InitialState": {"pattern": "^zero$"},
}
"""Messages with a short form of text."""

DIMS = r"\[\s*[+-]?[0-9]+\s*(,\s*[+-]?[0-9]+\s*)*\]"
RESHAPE = r"reshape\s*\[[-+0-9,\s]*\]"


def messages() -> dict[str, Schema]:
    """Return every message below ``ModelConfig`` by its name, and lists of it as ``NAME[]``."""
    found: dict[str, Schema] = {}
    for name, descriptor in descriptors().items():
        if name != "ModelConfig":
            found[name] = _message(name, descriptor)
            found[f"{name}[]"] = listed(found[name])
    return found


def descriptors() -> dict[str, Descriptor]:
    """Return the descriptors of ``ModelConfig`` and all below it, by short name, in order."""
    found: dict[str, Descriptor] = {}
    ahead: list[Descriptor] = [ModelConfig.DESCRIPTOR]
    while ahead:
        descriptor = ahead.pop(0)
        inner = [field.message_type for field in descriptor.fields if field.message_type]
        ahead += [below for below in inner if _short(below) not in found]
        if not descriptor.GetOptions().map_entry:
            found[_short(descriptor)] = descriptor
    return found


def tensors() -> dict[str, Schema]:
    """Return the schemas of `input:` and `output:`."""
    return {
        "input": _tensors("ModelInput", f"optional|ragged|nhwc|nchw|{RESHAPE}"),
        "output": _tensors("ModelOutput", RESHAPE),
    }


def fields(name: str) -> dict[str, Schema]:
    """Return the fields of a message, each with its meaning and default."""
    return {
        field.name: _described(name, field, _field(name, field))
        for field in descriptors()[name].fields
    }


def _short(descriptor: Descriptor) -> str:
    return str(descriptor.full_name).removeprefix(PACKAGE)


def _message(name: str, descriptor: Descriptor) -> Schema:
    text = ALSO_TEXT.get(name)
    return {
        "type": ["object", "boolean", *(["string", "number"] if text is not None else []), "null"],
        "additionalProperties": False,
        "properties": fields(name),
        **(text or {}),
        **oneofs(descriptor),
    }


def oneofs(descriptor: Descriptor) -> Schema:
    """Refuse two members of a oneof; those that are null or false are not said."""
    said: Schema = {"not": {"enum": [None, False]}}
    pairs = [
        [one.name, other.name]
        for group in descriptor.oneofs
        for number, one in enumerate(group.fields)
        for other in group.fields[number + 1 :]
    ]
    refused = [
        {"not": {"type": "object", "required": pair, "properties": dict.fromkeys(pair, said)}}
        for pair in pairs
    ]
    return {"allOf": refused} if refused else {}


def _field(owner: str, field: Field) -> Schema:
    if owner == "ModelConfig" and field.name in ("input", "output"):
        return {"$ref": f"#/definitions/{field.name}"}
    if field.message_type is None:
        value = _scalar(field)
        return listed(value) if field.is_repeated else value
    if field.message_type.GetOptions().map_entry:
        return mapping(_field("", field.message_type.fields_by_name["value"]))
    many = "[]" if field.is_repeated else ""
    return {"$ref": f"#/definitions/{_short(field.message_type)}{many}"}


def _scalar(field: Field) -> Schema:
    if field.type in RANGES:
        return whole(*RANGES[field.type])
    if field.enum_type is not None:
        return choice(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return FLAG
    return TEXT if field.type == FieldDescriptor.TYPE_STRING else NUMBER


def _described(owner: str, field: Field, value: Schema) -> Schema:
    meaning = keys()[owner][field.name]
    described = {**value, "description": meaning.text + _since(owner, field.name)}
    default = meaning.default if meaning.default is not None else _zero(field)
    return described if default in (None, "") else {**described, "default": default}


def _zero(field: Field) -> str | int | bool | None:
    """Return what a scalar is when it is not said; text and numbers with a fraction need none."""
    if field.is_repeated or field.message_type is not None:
        return None
    if field.enum_type is not None:
        return str(field.enum_type.values[0].name)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return False
    return 0 if field.type in RANGES else None


def _since(owner: str, name: str) -> str:
    for feature in features():
        if ":" not in feature.field and _owner_of(feature.field) == (owner, name):
            since = f" Triton has it since {feature.since}." if feature.since else ""
            until = f" Triton {feature.until} was the last to have it." if feature.until else ""
            return since + until
    return ""


def _owner_of(path: str) -> tuple[str, str]:
    descriptor: Descriptor = ModelConfig.DESCRIPTOR
    *above, name = path.split(".")
    for part in above:
        descriptor = descriptor.fields_by_name[part].message_type
        if descriptor.GetOptions().map_entry:
            descriptor = descriptor.fields_by_name["value"].message_type
    return _short(descriptor), name


def _tensors(name: str, words: str) -> Schema:
    """Describe `input:` or `output:`: a mapping, a list, or one bare name."""
    types = "|".join(spelled for n in spellings(DataType.DESCRIPTOR) for spelled in (n, n.lower()))
    short = rf"^\s*({types})\s*{DIMS}(\s*({words}))*\s*$|{ANY_REFERENCE}"
    tensor = _message(name, descriptors()[name])
    entry: Schema = {
        **tensor,
        "type": ["object", "string", "null"],
        "pattern": short,
        "patternErrorMessage": "a tensor is `TYPE[dims]`, for instance `FP32[3, 224, 224]`",
    }
    one: Schema = {**tensor, "type": "object", "required": ["name"]}
    pair: Schema = {"type": "object", "maxProperties": 1, "additionalProperties": entry}
    bare: Schema = {"type": ["string", "number", "boolean"]}
    return {
        "type": ["object", "array", "string", "number", "boolean", "null"],
        "additionalProperties": entry,
        "items": {"anyOf": [one, pair, bare]},
    }
