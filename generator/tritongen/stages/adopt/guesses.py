"""Words in a ``config.pbtxt`` that Triton does not know: fields, enums, placeholders."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from tritongen.records.messages import DataType, ModelConfig
from tritongen.records.scalars import quote
from tritongen.records.spelling import SAME_TYPE
from tritongen.stages.adopt.attempt import Repair, Stop, replaced

MARKED = re.compile(
    r"\w*\$\{[^}\n]*\}|\w*\{\{.*?\}\}|\{%.*?%\}|\$\w+|<[A-Za-z_][\w -]*>|@\w+@|%\w+%|__\w+__"
    r"|[A-Za-z_]*#\w+"
)
CAPITALS = re.compile(r"(?<![\w\"'])[A-Z][A-Z0-9_]{2,}(?![\w\"'])")
FILLINGS = ("1", '"x"', "TYPE_FP32", "KIND_CPU", "true", "", "[1]")
FIELD_ALIASES = {
    "inputs": "input", "outputs": "output", "datatype": "data_type", "dtype": "data_type",
    "type": "data_type", "shape": "dims", "dim": "dims", "instance_groups": "instance_group",
    "batch_size": "max_batch_size", "parameter": "parameters",
}  # fmt: skip
"""What other servers and hasty hands call Triton's fields."""
REMOVED = {
    "version": "remove it: the version is the folder's name, `version_policy` chooses",
    "model_version": "remove it: the version is the folder's name",
}


def template(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A placeholder in the signs of some template language."""
    yield from _fill(text, stop, MARKED)


def bare_word(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A placeholder that is nothing but a word in capitals."""
    yield from _fill(text, stop, CAPITALS)


def _fill(text: str, stop: Stop, pattern: re.Pattern[str]) -> Iterator[Repair]:
    for match in pattern.finditer(text, text.rfind("\n", 0, stop.at) + 1):
        if match.start() > stop.at:
            break
        if match.end() <= stop.at:
            continue
        what = f"{quote(match[0])} is a placeholder that was not filled in"
        if "#" in match[0]:
            what += "; protobuf takes what follows `#` for a comment"
        for filling in FILLINGS:
            yield Repair(
                text=replaced(text, match.start(), match.end(), filling),
                message=what,
                fix="fill the template in as its own scripts do, then import the result",
                code="TG071",
                at=match.start(),
            )


def enum(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """An enum value that Triton does not have, or that stands in quotes."""
    known = re.search(r'Enum type "([\w.]+)" has no value named (.*)\.$', stop.complaint)
    if known is None:
        return
    names = _enum_names(known[1])
    bare = word.strip("\"'")
    meant = SAME_TYPE.get(bare.upper().removeprefix("TYPE_")) if "TYPE_FP32" in names else None
    near = [meant] if meant else []
    near += [name for name in names if name == bare.upper() or name.endswith(f"_{bare.upper()}")]
    near += get_close_matches(bare.upper(), names, n=1, cutoff=0.5)
    for name in near:
        kind = "data type" if "TYPE_FP32" in names else known[1].rpartition(".")[2].lower()
        yield Repair(
            text=replaced(text, stop.at, stop.at + len(word), name),
            message=f"{quote(word)} is no {kind} of Triton",
            fix=f"write {name}" + (" without quotes" if word[:1] in "\"'" else ""),
        )


def _enum_names(full_name: str) -> list[str]:
    if full_name == "inference.DataType":
        return list(DataType.keys())
    for message in _messages(ModelConfig.DESCRIPTOR, set()):
        for enum in message.enum_types:
            if enum.full_name == full_name:
                return list(enum.values_by_name)
    return []


def _messages(message: Any, seen: set[str]) -> Iterator[Any]:
    seen.add(message.full_name)
    yield message
    for field in message.fields:
        if field.message_type is not None and field.message_type.full_name not in seen:
            yield from _messages(field.message_type, seen)


def unknown_field(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A field that is called otherwise, stands elsewhere, or does not exist."""
    known = re.search(r'Message type "([\w.]+)" has no field named "(.+)"\.$', stop.complaint)
    if known is None:
        return
    fields = [
        field.name
        for message in _messages(ModelConfig.DESCRIPTOR, set())
        if message.full_name == known[1]
        for field in message.fields
    ]
    owner = known[1].rpartition(".")[2]
    message = f"{owner} has no field {quote(known[2])}"
    alias = FIELD_ALIASES.get(known[2])
    near = [alias] if alias in fields else []
    near += get_close_matches(known[2].lower(), fields, n=1, cutoff=0.6)
    for name in near:
        if known[2] not in REMOVED:
            yield Repair(
                text=replaced(text, stop.at, stop.at + len(known[2]), str(name)),
                message=message,
                fix=f"write {name}",
            )
    above = [
        field.name
        for field in ModelConfig.DESCRIPTOR.fields
        if field.message_type is not None and known[2] in field.message_type.fields_by_name
    ]
    fix = REMOVED.get(known[2]) or (
        f"move it into {above[0]}"
        if above
        else f"remove it: no release of Triton known here has it in {owner}"
    )
    for end in ends_of_field(text, stop.at + len(known[2])):
        yield Repair(text=replaced(text, stop.at, end, ""), message=message, fix=fix)


def ends_of_field(text: str, at: int) -> Iterator[int]:
    """Yield where a field's value may end: its line, or its closing bracket."""
    depth = 0
    for match in re.finditer(r"\"(?:\\.|[^\"\\\n])*\"|[\[\]{}\n]", text[at:]):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}" and depth == 0:
            yield at + match.start()
            return
        elif match[0] in "]}":
            depth -= 1
            if not depth:
                yield at + match.end()
        elif match[0] == "\n" and not depth:
            yield at + match.start()
    yield len(text)
