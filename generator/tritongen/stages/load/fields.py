"""Reads nodes into a protobuf message, driven by the message's descriptor: one function per kind.

Nothing here knows a field of ``ModelConfig`` by name, except for two short forms at the end.
"""

import math
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tritongen.records.finding import Edit
from tritongen.records.scalars import quote
from tritongen.stages.load.codes import EXCLUSIVE, MISSING, TYPE
from tritongen.stages.load.enums import Refused, enum_value
from tritongen.stages.load.nodes import Entries, Items, Node, Text, describe
from tritongen.stages.load.report import Report

Field = Any
"""A field's descriptor: protobuf has two implementations, whose types have no common parent."""

RANGES = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
FLOATS = {FieldDescriptor.TYPE_FLOAT: "<f", FieldDescriptor.TYPE_DOUBLE: "<d"}
INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
PARAMETER = "inference.ModelParameter"
STATE = "inference.ModelSequenceBatching.State"
INITIAL_STATE = "inference.ModelSequenceBatching.InitialState"


def fill(report: Report, message: Message, entries: Entries, owner: str) -> None:
    """Read a mapping into a message; ``owner`` names it in findings: "`dynamic_batching`"."""
    fields = message.DESCRIPTOR.fields_by_name
    for key, node in entries.values.items():
        if key in fields:
            set_field(report, message, fields[key], node)
        else:
            report.unknown(entries, key, owner, fields)
    if message.DESCRIPTOR.full_name == STATE:
        _complete_initial_states(report, message, entries)


def set_field(report: Report, message: Message, field: Field, node: Node) -> None:
    """Read one value into its field."""
    if field.message_type is not None and not field.is_repeated and _is_false(node):
        return
    if _excluded(report, message, field, node):
        return
    if _is_map(field):
        _read_map(report, message, field, node)
    elif field.is_repeated:
        _read_repeated(report, message, field, node)
    elif field.message_type is not None:
        target = getattr(message, field.name)
        target.SetInParent()
        _read_message(report, target, node, field.name)
    else:
        for value in _read_scalar(report, field, node, quote(field.name)):
            setattr(message, field.name, value)


def _is_false(node: Node) -> bool:
    return isinstance(node, Text) and node.text == "false"


def _is_map(field: Field) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _excluded(report: Report, message: Message, field: Field, node: Node) -> bool:
    """Note a second member of a oneof; protobuf would silently drop the first."""
    group = field.containing_oneof
    first = message.WhichOneof(group.name) if group is not None else None
    if first is None or first == field.name:
        return False
    report.add(
        EXCLUSIVE,
        node.place,
        f"`{field.name}` and `{first}` exclude each other",
        fix=f"remove `{field.name}` or `{first}`",
    )
    return True


def _read_map(report: Report, message: Message, field: Field, node: Node) -> None:
    if not isinstance(node, Entries):
        _wrong(report, node, quote(field.name), "a mapping")
        return
    entry = field.message_type.fields_by_name
    target = getattr(message, field.name)
    for key, value in node.values.items():
        for read_key in _read_scalar(
            report, entry["key"], Text(text=key, place=node.keys[key]), f"a key of `{field.name}`"
        ):
            if entry["value"].message_type is not None:
                _read_message(report, target[read_key], value, key)
            else:
                for read_value in _read_scalar(report, entry["value"], value, quote(key)):
                    target[read_key] = read_value


def _read_repeated(report: Report, message: Message, field: Field, node: Node) -> None:
    """Read a list; one value is a list of one, as in protobuf's text format."""
    target = getattr(message, field.name)
    for item in node.items if isinstance(node, Items) else [node]:
        if field.message_type is not None:
            _read_message(report, target.add(), item, field.name)
        else:
            target.extend(_read_scalar(report, field, item, quote(field.name)))


def _read_message(report: Report, target: Message, node: Node, name: str) -> None:
    kind = target.DESCRIPTOR.full_name
    if isinstance(node, Entries):
        fill(report, target, node, quote(name))
    elif kind == PARAMETER and not isinstance(node, Text):
        _wrong(report, node, quote(name), "text", "put it in quotes, as its backend reads it")
    elif not isinstance(node, Text):
        _wrong(report, node, quote(name), "a mapping")
    elif kind == PARAMETER:
        target.string_value = node.text  # type: ignore[attr-defined]
    elif kind == INITIAL_STATE and node.text == "zero":
        target.zero_data = True  # type: ignore[attr-defined]
    elif node.text != "true":
        inner = f"{node.text}: {{}}" if node.text in target.DESCRIPTOR.fields_by_name else ""
        _wrong(report, node, quote(name), "a mapping", f"write {quote(f'{name}: {{{inner}}}')}")


def _read_scalar(
    report: Report, field: Field, node: Node, subject: str
) -> Iterator[str | int | float | bool]:
    """Yield the value, or note why there is none."""
    if not isinstance(node, Text):
        _wrong(report, node, subject, _expected(field))
        return
    try:
        yield READERS[field.type](field, node.text)
    except Refused as refused:
        message = f"{subject} wants {refused.expected}, found {describe(node)}"
        edit = Edit(node.text, refused.meant) if refused.meant else None
        report.add(refused.code, node.place, message, fix=refused.fix, edit=edit)


def _wrong(report: Report, node: Node, subject: str, expected: str, fix: str = "") -> None:
    message = f"{subject} wants {expected}, found {describe(node)}"
    report.add(TYPE, node.place, message, fix=fix)


def _expected(field: Field) -> str:
    if field.type in RANGES:
        return "a whole number"
    if field.type in FLOATS:
        return "a number"
    return {FieldDescriptor.TYPE_BOOL: "true or false"}.get(field.type, "text")


def _read_text(_: Field, text: str) -> str:
    return text


def _read_flag(_: Field, text: str) -> bool:
    if text not in ("true", "false"):
        raise Refused(TYPE, "true or false")
    return text == "true"


def _read_integer(field: Field, text: str) -> int:
    if not INTEGER.fullmatch(text):
        raise Refused(TYPE, "a whole number", "write it in decimal digits")
    low, high = RANGES[field.type]
    if not low <= int(text) <= high:
        raise Refused(TYPE, f"a whole number from {low} to {high}")
    return int(text)


def _read_float(field: Field, text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise Refused(TYPE, "a number", "write it in decimal digits: 0.5")
    value = float(text)
    try:
        struct.pack(FLOATS[field.type], value)
    except OverflowError:
        raise Refused(TYPE, "a number that fits 32 bits") from None
    if math.isinf(value):
        raise Refused(TYPE, "a number that fits 64 bits")
    return value


def _read_enum(field: Field, text: str) -> int:
    return enum_value(field.enum_type, text)


READERS: dict[int, Callable[[Field, str], str | int | float | bool]] = {
    FieldDescriptor.TYPE_STRING: _read_text,
    FieldDescriptor.TYPE_BOOL: _read_flag,
    FieldDescriptor.TYPE_ENUM: _read_enum,
    **dict.fromkeys(RANGES, _read_integer),
    **dict.fromkeys(FLOATS, _read_float),
}


def _complete_initial_states(report: Report, state: Any, entries: Entries) -> None:
    """Give ``initial_state: zero`` the name, type and dimensions of its state.

    Triton wants all three: "Field 'name' must be set when using initial_state".
    """
    said = entries.values.get("initial_state")
    nodes = said.items if isinstance(said, Items) else [said] if said is not None else []
    for node, initial in zip(nodes, state.initial_state, strict=True):
        if not isinstance(node, Text) or node.text != "zero":
            continue
        initial.name, initial.data_type = state.input_name, state.data_type
        initial.dims.extend(state.dims)
        if any(dim < 0 for dim in state.dims):
            report.add(
                MISSING,
                node.place,
                "`initial_state: zero` cannot know how many zeros: a dimension of the state varies",
                fix="write them: {name: ..., data_type: ..., dims: [...], zero_data: true}",
            )


def owner_of(descriptor: Any, key: str) -> str | None:
    """Return the message field in which a key would be known, if it stands one level too high."""
    for field in descriptor.fields:
        inner = field.message_type
        if inner is not None and key in inner.fields_by_name and not inner.GetOptions().map_entry:
            return str(field.name)
    return None
