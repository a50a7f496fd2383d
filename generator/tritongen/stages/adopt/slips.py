"""Slips in a ``config.pbtxt``: quotes, numbers, braces, commas, and what is no such file."""

import re
from collections.abc import Iterator

from tritongen.records.scalars import quote
from tritongen.stages.adopt.attempt import Repair, Stop, replaced
from tritongen.stages.adopt.guesses import ends_of_field


def byte_order_mark(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """An invisible mark at the start, as some editors leave it."""
    if text.startswith("\ufeff"):
        yield Repair(
            text=text[1:],
            message="the file begins with a byte order mark, which Triton's parser refuses",
            fix="save it as UTF-8 without one",
        )


def escape(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A backslash in a text that begins no escape."""
    if stop.complaint.startswith("Unknown escape"):
        shown = text[stop.at : stop.at + 2]
        yield Repair(
            text=replaced(text, stop.at, stop.at, "\\"),
            message=f"{quote(shown)} is no escape that protobuf knows",
            fix=f"write \\{shown} for a backslash",
        )


def json(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """JSON instead of protobuf's text format."""
    if re.match(r'\s*\{\s*"', text) and not text[: stop.at].strip():
        yield Repair(
            text="",
            message="this is JSON; config.pbtxt is protobuf's text format",
            fix='write `name: "m"`, not `{"name": "m"}`',
        )


def quotes(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A text without quotes, or with one only."""
    if stop.complaint.startswith("Expected string") and word:
        end = stop.at + len(word)
        longer = re.compile(r"[^\s,}\]\"']+").match(text, stop.at)
        for last in dict.fromkeys((end, longer.end() if longer else end)):
            name = text[stop.at : last]
            yield Repair(
                text=replaced(text, stop.at, last, f'"{name}"'),
                message=f"{quote(name)} is text, and has no quotes",
                fix=f'write "{name}"',
            )
    if "missing ending quote" in stop.complaint and text[stop.at :].strip():
        end = text.find("\n", stop.at)
        end = len(text) if end < 0 else end
        stretch = text[stop.at : end].rstrip(" \r,}])")
        yield Repair(
            text=replaced(text, stop.at + len(stretch), stop.at + len(stretch), stretch[0]),
            message=f"the quote that opens at {quote(stretch[:20])} is never closed",
            fix=f"write {stretch}{stretch[0]}",
        )


def number(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A field without a value, or with one that is no number or flag."""
    if not re.match("Couldn't parse|Value out of range", stop.complaint):
        return
    before = text[: stop.at].rstrip()
    name = re.search(r"(\w+)\s*:$", before)
    if name is not None and ("\n" in text[len(before) : stop.at] or not word or word in "}]"):
        yield Repair(
            text=replaced(text, len(before), len(before), " 0"),
            message=f"{quote(name[1])} has no value",
            fix="write its value, or remove the line",
            at=name.start(),
        )
    bare = word.strip("\"'")
    if bare != word and re.fullmatch(r"[+-]?\d+(\.\d+)?|true|false", bare, re.IGNORECASE):
        yield Repair(
            text=replaced(text, stop.at, stop.at + len(word), bare),
            message=f"{quote(word)} is text where a number or a flag belongs",
            fix=f"write {bare}",
        )
    for filling in ("1", "true"):
        yield Repair(
            text=replaced(text, stop.at, stop.at + len(word), filling),
            message=f"{quote(word)} is not what belongs here: {stop.complaint.rstrip('.')}",
            fix="write true or false" if filling == "true" else "write a whole number that fits",
        )


def value_of_message(text: str, stop: Stop, word: str) -> Iterator[Repair]:
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
            text=replaced(text, start, end, said) if start >= 0 else text,
            message=f"reshape is a message, found {quote(shape)}",
            fix=f"write reshape: {{shape: {shape}}}",
        )
    if field == "value" and word:
        said = word if word[0] in "\"'" else f'"{word}"'
        yield Repair(
            text=replaced(text, stop.at, stop.at + len(word), f"{{string_value: {said}}}"),
            message="a parameter's value is a message",
            fix=f"write value: {{string_value: {said}}}",
        )
    if word not in ("]", "}"):
        yield Repair(
            text=replaced(text, stop.at, stop.at + len(word), "{}"),
            message=f"{quote(field)} is a message, found {quote(word) if word else 'nothing'}",
            fix=f"write {field} {{}} with its fields inside",
        )


def separators(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A comma, a colon or a bracket that is missing or too much."""
    before = len(text[: stop.at].rstrip())
    if word == "=":
        yield Repair(
            text=replaced(text, stop.at, stop.at + 1, ":"),
            message="`=` stands between a field and its value",
            fix="write `:`",
        )
    if word in ("]", "}") and text[:before].endswith(","):
        yield Repair(
            text=replaced(text, before - 1, before, ""),
            message=f"a comma stands before `{word}`",
            fix="remove the comma",
        )
    inserted = {",": "a comma", ":": "a colon"}
    for mark, what in inserted.items():
        if stop.complaint.startswith(f'Expected "{mark}"'):
            yield Repair(
                text=replaced(text, before, before, mark),
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
            text=replaced(text, before, before, mark),
            message=f"a `{mark}` is missing before {quote(word)}",
            fix=f"close the bracket: `{mark}`",
        )
    if word and word in "}],;":
        yield Repair(
            text=replaced(text, stop.at, stop.at + 1, ""),
            message=f"there is a `{word}` too much",
            fix="remove it",
        )


def twice(text: str, stop: Stop, word: str) -> Iterator[Repair]:
    """A field that is said again, or one that excludes another."""
    known = re.search(r'should not have multiple "(\w+)" fields', stop.complaint)
    other = re.search(r'Field "(\w+)" is specified along with field "(\w+)"', stop.complaint)
    if known is not None:
        message = f"{quote(known[1])} is said twice"
    elif other is not None:
        message = f"{quote(other[1])} and {quote(other[2])} exclude each other"
    else:
        return
    line = text.rfind("\n", 0, stop.at) + 1
    starts = [match.start() for match in re.finditer(r"\b\w+\s*[:{]", text[line : stop.at + 1])]
    for begin in [stop.at, *(line + start for start in reversed(starts))]:
        for end in ends_of_field(text, begin + 1):
            yield Repair(
                text=replaced(text, begin, end, ""),
                message=message,
                fix="remove one of the two",
                at=begin,
            )
