"""What a mistake in a ``config.pbtxt`` probably is: repairs to be tried, one function per kind."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from tritongen.records.messages import DataType, ModelConfig
from tritongen.records.scalars import quote
from tritongen.records.spelling import SAME_TYPE

MARKED = re.compile(
    r"\$\{[^}\n]*\}|\{\{.*?\}\}|\{%.*?%\}|\$\w+|<[A-Za-z_][\w -]*>|@\w+@|%\w+%|__\w+__"
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


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Where the parser stopped, in offsets of the text; ``complaint`` is protobuf's."""

    at: int
    complaint: str


@dataclass(frozen=True, kw_only=True)
class Repair:
    """The text with one mistake repaired; ``at`` is where the mistake is, if not at the stop."""

    text: str
    message: str
    fix: str
    code: str = "TG070"
    at: int | None = None


Attempt = Callable[[str, Stop, str], Iterator[Repair]]


def _with(text: str, start: int, end: int, new: str) -> str:
    """Replace a part of a text without moving what is in other lines."""
    return text[:start] + new + "\n" * text[start:end].count("\n") + text[end:]


def _byte_order_mark(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    if text.startswith("\ufeff"):
        yield Repair(
            text=text[1:],
            message="the file begins with a byte order mark, which Triton's parser refuses",
            fix="save it as UTF-8 without one",
        )


def _json(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    if re.match(r'\s*\{\s*"', text) and not text[: stop.at].strip():
        yield Repair(
            text="",
            message="this is JSON; config.pbtxt is protobuf's text format",
            fix='write `name: "m"`, not `{"name": "m"}`',
        )


def _template(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A placeholder in the signs of some template language."""
    yield from _fill(text, stop, MARKED)


def _bare_word(text: str, stop: Stop, word: str) -> Iterator[Repair]:
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
                text=_with(text, match.start(), match.end(), filling),
                message=what,
                fix="fill the template in as its own scripts do, then import the result",
                code="TG071",
            )


def _enum(text: str, stop: Stop, word: str) -> Iterator[Repair]:
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
            text=_with(text, stop.at, stop.at + len(word), name),
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


def _unknown_field(text: str, stop: Stop, word: str) -> Iterator[Repair]:
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
                text=_with(text, stop.at, stop.at + len(known[2]), str(name)),
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
    for end in _ends_of_field(text, stop.at + len(known[2])):
        yield Repair(text=_with(text, stop.at, end, ""), message=message, fix=fix)


def _ends_of_field(text: str, at: int) -> Iterator[int]:
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


def _quotes(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    if stop.complaint.startswith("Expected string") and word:
        end = stop.at + len(word)
        longer = re.compile(r"[^\s,}\]\"']+").match(text, stop.at)
        for last in dict.fromkeys((end, longer.end() if longer else end)):
            name = text[stop.at : last]
            yield Repair(
                text=_with(text, stop.at, last, f'"{name}"'),
                message=f"{quote(name)} is text, and has no quotes",
                fix=f'write "{name}"',
            )
    if "missing ending quote" in stop.complaint and text[stop.at :].strip():
        end = text.find("\n", stop.at)
        end = len(text) if end < 0 else end
        stretch = text[stop.at : end].rstrip(" \r,}])")
        yield Repair(
            text=_with(text, stop.at + len(stretch), stop.at + len(stretch), stretch[0]),
            message=f"the quote that opens at {quote(stretch[:20])} is never closed",
            fix=f"write {stretch}{stretch[0]}",
        )


def _number(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    if not re.match("Couldn't parse|Value out of range", stop.complaint):
        return
    before = text[: stop.at].rstrip()
    name = re.search(r"(\w+)\s*:$", before)
    if name is not None and ("\n" in text[len(before) : stop.at] or not word or word in "}]"):
        yield Repair(
            text=_with(text, len(before), len(before), " 0"),
            message=f"{quote(name[1])} has no value",
            fix="write its value, or remove the line",
            at=name.start(),
        )
    bare = word.strip("\"'")
    if bare != word and re.fullmatch(r"[+-]?\d+(\.\d+)?|true|false", bare, re.IGNORECASE):
        yield Repair(
            text=_with(text, stop.at, stop.at + len(word), bare),
            message=f"{quote(word)} is text where a number or a flag belongs",
            fix=f"write {bare}",
        )
    for filling in ("1", "true"):
        yield Repair(
            text=_with(text, stop.at, stop.at + len(word), filling),
            message=f"{quote(word)} is not what belongs here: {stop.complaint.rstrip('.')}",
            fix="write true or false" if filling == "true" else "write a whole number that fits",
        )


def _value_of_message(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A scalar or a list where a message in braces belongs."""
    if stop.complaint not in ('Expected "{".', "Expected identifier.", 'Expected "<".'):
        return
    name = re.search(r"(\w+)\s*:?\s*\{?\s*\[?\s*$", text[: stop.at])
    field = name[1] if name else ""
    if name is not None and field == "reshape":
        start = text.find("[", name.start())
        end = text.find("]", start) + 1
        shape = text[start:end]
        said = f"shape: {shape}" if "{" in text[name.start() : start] else f"{{shape: {shape}}}"
        yield Repair(
            text=_with(text, start, end, said) if start >= 0 else text,
            message=f"reshape is a message, found {quote(shape)}",
            fix=f"write reshape: {{shape: {shape}}}",
        )
    if field == "value" and word:
        said = word if word[0] in "\"'" else f'"{word}"'
        yield Repair(
            text=_with(text, stop.at, stop.at + len(word), f"{{string_value: {said}}}"),
            message="a parameter's value is a message",
            fix=f"write value: {{string_value: {said}}}",
        )
    if word not in ("]", "}"):
        yield Repair(
            text=_with(text, stop.at, stop.at + len(word), "{}"),
            message=f"{quote(field)} is a message, found {quote(word) if word else 'nothing'}",
            fix=f"write {field} {{}} with its fields inside",
        )


def _separators(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A comma, a colon or a bracket that is missing or too much."""
    before = len(text[: stop.at].rstrip())
    if word == "=":
        yield Repair(
            text=_with(text, stop.at, stop.at + 1, ":"),
            message="`=` stands between a field and its value",
            fix="write `:`",
        )
    if word in ("]", "}") and text[:before].endswith(","):
        yield Repair(
            text=_with(text, before - 1, before, ""),
            message=f"a comma stands before `{word}`",
            fix="remove the comma",
        )
    inserted = {",": "a comma", ":": "a colon"}
    for mark, what in inserted.items():
        if stop.complaint.startswith(f'Expected "{mark}"'):
            yield Repair(
                text=_with(text, before, before, mark),
                message=f"{what} is missing before {quote(word)}",
                fix=f"write `{mark}` before it",
            )
    behind = text[stop.at + len(word) :]
    for mark in "]}":
        if not behind.strip() and (f'"{mark}"' in stop.complaint or mark == "}"):
            yield Repair(
                text=f"{text.rstrip()}\n{mark}",
                message=f"a `{mark}` is missing at the end",
                fix=f"close the bracket: `{mark}`",
            )
        yield Repair(
            text=_with(text, before, before, mark),
            message=f"a `{mark}` is missing before {quote(word)}",
            fix=f"close the bracket: `{mark}`",
        )
    if word and word in "}],;":
        yield Repair(
            text=_with(text, stop.at, stop.at + 1, ""),
            message=f"there is a `{word}` too much",
            fix="remove it",
        )


def _twice(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    known = re.search(r'should not have multiple "(\w+)" fields', stop.complaint)
    other = re.search(r'Field "(\w+)" is specified along with field "(\w+)"', stop.complaint)
    if known is not None or other is not None:
        start = max(text.rfind("\n", 0, stop.at), 0)
        starts = [m.start() for m in re.finditer(r"\b\w+\s*[:{]", text[start : stop.at + 1])]
        for begin in [start + at for at in reversed(starts)]:
            for end in _ends_of_field(text, begin + 1):
                yield Repair(
                    text=_with(text, begin, end, ""),
                    message=f"{quote(known[1])} is said twice"
                    if known
                    else f"{quote(other[1])} and {quote(other[2])} exclude each other"
                    if other
                    else "",
                    fix="remove one of the two",
                )


ATTEMPTS: tuple[Attempt, ...] = (
    _byte_order_mark, _json, _template, _enum, _unknown_field, _twice, _value_of_message,
    _bare_word, _quotes, _separators, _number,
)  # fmt: skip
"""What is tried, the surest first."""
