"""A configuration's messages become what a person would write: the way back of ``stages.load``."""

import math
import struct
from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tritongen.formats.yaml import Block, Value
from tritongen.records.messages import ModelInput, ModelOutput
from tritongen.records.spelling import spellings

PARAMETER = "inference.ModelParameter"
STATE = "inference.ModelSequenceBatching.State"
KINDS = ("Control", "BatchInput", "BatchOutput")
"""Messages that say nothing without their kind; protobuf leaves it out where it is the first."""
FIRST = ("name", "kind", "input_name", "output_name")
LARGEST_DIM = 10**18
"""The short form of a tensor takes dimensions of at most 18 digits."""

Tensor = ModelInput | ModelOutput


class UnsayableError(Exception):
    """A value that protobuf holds and a spec has no words for."""


def say(message: Message) -> dict[str, Value]:
    """Return the fields that are set, by Triton's names. Raises :class:`UnsayableError`."""
    fields = sorted(message.ListFields(), key=lambda pair: pair[0].name not in FIRST)
    said = {field.name: say_field(field, value) for field, value in fields}
    if message.DESCRIPTOR.name in KINDS and "kind" not in said:
        kind = message.DESCRIPTOR.fields_by_name["kind"]
        said = {"kind": enum_name(kind.enum_type, 0), **said}
    if message.DESCRIPTOR.full_name == STATE and _starts_at_zero(message):
        said["initial_state"] = "zero"
    return said


def say_field(field: Any, value: Any) -> Value:
    """Return one field's value; a list of one message is that message, as in Triton's text."""
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        inner = kind.fields_by_name["value"]
        return {_text(key): _one(inner, value[key]) for key in sorted(value)}
    if not field.is_repeated:
        return _one(field, value)
    items = [_one(field, item) for item in value]
    return items[0] if kind is not None and len(items) == 1 else items


def _one(field: Any, value: Any) -> Value:
    if field.message_type is not None:
        if field.message_type.full_name == PARAMETER:
            return str(value.string_value)
        return say(value)
    if field.enum_type is not None:
        return enum_name(field.enum_type, value)
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return _float(value)
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        _require_finite(value)
        return repr(value)
    return str(value)


def _float(value: float) -> str:
    """Return the shortest decimal that is this 32-bit number."""
    _require_finite(value)
    for digits in range(6, 9):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            return text
    return f"{value:.9g}"


def _require_finite(value: float) -> None:
    if not math.isfinite(value):
        raise UnsayableError(f"the number {value} can't be said in a spec")


@cache
def enum_name(enum: Any, number: int) -> str:
    """Return a spec's word for an enum's value: ``cpu``, ``FP32``, ``BYTES``."""
    names = [name for name, known in spellings(enum).items() if known == number]
    if not names:
        raise UnsayableError(f"{number} is no value of {enum.name}")
    return names[-1] if enum.name == "DataType" else names[-1].lower()


def _starts_at_zero(state: Any) -> bool:
    """Tell whether ``initial_state: zero`` says it all."""
    if len(state.initial_state) != 1 or any(dim < 0 for dim in state.dims):
        return False
    initial = state.initial_state[0]
    return (
        initial.WhichOneof("state_data") == "zero_data"
        and initial.zero_data
        and initial.name == state.input_name
        and initial.data_type == state.data_type
        and list(initial.dims) == list(state.dims)
    )


def say_names(tensors: Iterable[Tensor]) -> Value:
    """Return tensors by name only; what else there is comes from the file, or from the wires."""
    return [tensor.name for tensor in tensors]


def say_tensors(tensors: Iterable[Tensor]) -> Value:
    """Return tensors in the short form, or as messages where that can't say everything."""
    said = [(tensor.name, _say_tensor(tensor)) for tensor in tensors]
    if len({name for name, _ in said}) == len(said):
        return Block(dict(said))
    return [
        Block({name: value}) if isinstance(value, str) else {"name": name, **value}
        for name, value in said
    ]


def _say_tensor(tensor: Tensor) -> str | dict[str, Value]:
    words = _words(tensor)
    if words is not None:
        return words
    said = say(tensor)
    said.pop("name", None)
    return said


def _words(tensor: Tensor) -> str | None:
    """Return ``TYPE[dims] word...``, or ``None`` if that leaves something out."""
    short = type(tensor)(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    words = []
    if isinstance(tensor, ModelInput) and isinstance(short, ModelInput):
        short.optional, short.allow_ragged_batch = tensor.optional, tensor.allow_ragged_batch
        short.format = tensor.format
        words += ["optional"] * tensor.optional + ["ragged"] * tensor.allow_ragged_batch
    if tensor.HasField("reshape"):
        short.reshape.CopyFrom(tensor.reshape)
        words.append(f"reshape[{_dims(tensor.reshape.shape)}]")
    if isinstance(tensor, ModelInput) and tensor.format:
        words.append(enum_name(tensor.DESCRIPTOR.fields_by_name["format"].enum_type, tensor.format))
    sizes = [abs(dim) for dim in (*tensor.dims, *tensor.reshape.shape)]
    if short != tensor or not tensor.dims or not tensor.data_type or max(sizes) >= LARGEST_DIM:
        return None
    kind = enum_name(tensor.DESCRIPTOR.fields_by_name["data_type"].enum_type, tensor.data_type)
    return " ".join([f"{kind}[{_dims(tensor.dims)}]", *words])


def _dims(dims: Iterable[int]) -> str:
    return ",".join(map(str, dims))
