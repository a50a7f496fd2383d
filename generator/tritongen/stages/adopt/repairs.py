"""Finds every mistake in a ``config.pbtxt``: each with a repair that was tried.

The parser stops at the first mistake. So the likely repairs of that one are applied to a copy,
the one that lets the parser get further is what was probably meant, and the search goes on from
there. Nothing repaired is ever imported: it is a guess, and a person has to confirm it.
"""

import re
from pathlib import Path

from google.protobuf import text_format

from tritongen.formats import pbtxt
from tritongen.records.finding import Finding, Place
from tritongen.records.scalars import quote
from tritongen.stages.adopt.findings import finding
from tritongen.stages.adopt.guesses import ATTEMPTS, Repair, Stop

MOST = 20
"""A file with more mistakes than this is something else than a configuration."""
TOKEN = re.compile(r"[\w.+-]+|\"[^\"]*\"?|'[^']*'?|\S")


def mistakes(file: Path, text: str) -> list[Finding]:
    """Return the mistakes of a text that does not parse, in order; at least one."""
    found: list[Finding] = []
    original = text
    while (stop := _parse(text)) is not None and len(found) < MOST:
        repair = _repair(text, stop)
        at = stop.at if repair is None or repair.at is None else repair.at
        place = _place(file, text, at, original)
        if repair is None:
            found.append(_unrepaired(text, stop, place))
            break
        found.append(finding(repair.code, repair.message, place, fix=repair.fix))
        text = repair.text
    return list(dict.fromkeys(found))


def _parse(text: str) -> Stop | None:
    """Return where the parser stops, ``None`` if it does not."""
    try:
        pbtxt.read(text)
    except text_format.ParseError as error:
        line, column = error.GetLine() or 1, error.GetColumn() or 1
        complaint = re.sub(r"^\d+:\d+ : ", "", str(error))
        complaint = re.sub(r"^'.*': (?=[A-Z])", "", complaint, flags=re.DOTALL)
        return Stop(at=_offset(text, line, column), complaint=complaint)
    except (ValueError, RecursionError) as error:
        return Stop(at=0, complaint=str(error))
    return None


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


def _place(file: Path, text: str, at: int, original: str) -> Place:
    """Return the place of an offset; repairs keep lines, and change columns only behind them."""
    before = text[:at]
    line = before.count("\n")
    column = at - (before.rfind("\n") + 1)
    now, was = text.split("\n")[line], original.split("\n")
    if line < len(was):
        column = max(0, min(column, len(was[line])) if now == was[line] else column)
    return Place(file=str(file), line=line + 1, column=column + 1)


def _repair(text: str, stop: Stop) -> Repair | None:
    """Return the first repair with which the parser gets further."""
    token = TOKEN.match(text, stop.at)
    word = token[0] if token else ""
    for attempt in ATTEMPTS:
        for repair in attempt(text, stop, word):
            after = _parse(repair.text)
            grown = max(0, len(repair.text) - len(text))
            if after is None or after.at > stop.at + grown:
                return repair
    return None


def _unrepaired(text: str, stop: Stop, place: Place) -> Finding:
    word = TOKEN.match(text, stop.at)
    shown = f" at {quote(word[0])}" if word else ""
    complaint = stop.complaint.rstrip(".").replace('"inference.', '"')
    return finding(
        "TG070",
        f"Triton's parser stops{shown}: {complaint}",
        place,
        why="the whole model would not load",
        fix="compare with model_config.proto; docs/reference/findings.md says more",
    )
