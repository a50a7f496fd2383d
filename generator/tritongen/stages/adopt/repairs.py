"""Finds every mistake in a ``config.pbtxt``: each with a repair that was tried.

The parser stops at the first mistake. So the likely repairs of that one are applied to a copy,
the one that lets the parser get further is what was probably meant, and the search goes on from
there. Nothing repaired is ever imported: it is a guess, and a person has to confirm it.
"""

import re
import warnings
from pathlib import Path

from google.protobuf import text_format

from tritongen.formats import pbtxt
from tritongen.records.finding import Finding, Place
from tritongen.records.messages import ModelConfig
from tritongen.records.scalars import quote
from tritongen.stages.adopt import guesses, slips
from tritongen.stages.adopt.attempt import Attempt, Repair, Stop
from tritongen.stages.adopt.findings import finding

MOST = 20
"""A file with more mistakes than this is something else than a configuration."""
UNKNOWN_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\[^abfnrtvxXuU?0-7\\'\"\n])")
UNDECODED = re.compile("[\udc80-\udcff]")
TOKEN = re.compile(r"[\w.+-]+|\"[^\"]*\"?|'[^']*'?|\S")

ATTEMPTS: tuple[Attempt, ...] = (
    slips.byte_order_mark,
    slips.escape,
    slips.json,
    guesses.template,
    guesses.enum,
    guesses.unknown_field,
    slips.twice,
    slips.value_of_message,
    guesses.bare_word,
    slips.quotes,
    slips.separators,
    slips.number,
)
"""What is tried, the surest first."""


def mistakes(file: Path, text: str) -> list[Finding]:
    """Return the mistakes of a text that does not parse, in order; at least one."""
    found: list[Finding] = []
    original = text
    while isinstance(stop := parse(text), Stop) and len(found) < MOST:
        repair = _repair(text, stop)
        at = stop.at if repair is None or repair.at is None else repair.at
        place = _place(file, text, at, original)
        if repair is None:
            found.append(_unrepaired(text, stop, place))
            break
        found.append(finding(repair.code, repair.message, place, fix=repair.fix))
        text = repair.text
    return list(dict.fromkeys(found))


def parse(text: str) -> ModelConfig | Stop:
    """Return the configuration that a text holds, or where Triton's parser stops."""
    try:
        with warnings.catch_warnings():
            # Protobuf in Python reads an unknown escape with a warning; Triton's refuses it.
            warnings.simplefilter("error", DeprecationWarning)
            config = pbtxt.read(text)
        config.SerializeToString()
    except text_format.ParseError as error:
        line, column = error.GetLine() or 1, error.GetColumn() or 1
        complaint = re.sub(r"^\d+:\d+ : ", "", str(error))
        complaint = re.sub(r"^'.*': (?=[A-Z])", "", complaint, flags=re.DOTALL)
        return Stop(at=_offset(text, line, column), complaint=complaint)
    except DeprecationWarning:
        escape = UNKNOWN_ESCAPE.search(text)
        return Stop(at=escape.start(1) if escape else 0, complaint="Unknown escape in a text.")
    except UnicodeError:
        strange = UNDECODED.search(text)
        return Stop(at=strange.start() if strange else 0, complaint="This text is not UTF-8.")
    except (ValueError, RecursionError):
        return Stop(at=0, complaint="Nested deeper than any configuration.")
    return config


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


def _place(file: Path, text: str, at: int, original: str) -> Place:
    """Return the place that an offset has in the original; repairs keep lines, not columns."""
    line = text.count("\n", 0, at)
    column = at - (text.rfind("\n", 0, at) + 1)
    now, was = text.split("\n")[line], original.split("\n")
    if line < len(was) and was[line].endswith(now[column:]):
        column = len(was[line]) - len(now[column:])
    return Place(file=str(file), line=line + 1, column=column + 1)


def _repair(text: str, stop: Stop) -> Repair | None:
    """Return the first repair with which the parser gets further."""
    token = TOKEN.match(text, stop.at)
    word = token[0] if token else ""
    for attempt in ATTEMPTS:
        for repair in attempt(text, stop, word):
            after = parse(repair.text)
            grown = max(0, len(repair.text) - len(text))
            if not isinstance(after, Stop) or after.at > stop.at + grown:
                return repair
    return None


def _unrepaired(text: str, stop: Stop, place: Place) -> Finding:
    word = TOKEN.match(text, stop.at)
    shown = f" at {quote(word[0])}" if word else ""
    complaint = stop.complaint.rstrip(".").replace('"inference.', '"')
    complaint = complaint.encode("utf-8", "backslashreplace").decode()
    return finding(
        "TG070",
        f"Triton's parser stops{shown}: {complaint}",
        place,
        why="the whole model would not load",
        fix="compare with model_config.proto; docs/reference/findings.md says more",
    )
