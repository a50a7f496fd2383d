"""Puts a YAML parser's complaint into words that say what to do."""

from typing import Any

import yaml

REASONS = (
    (
        "cannot start any token",
        "this character cannot start a value",
        'put quotes around the text: "..."',
    ),
    (
        "mapping values are not allowed",
        "a second `: ` in one value, or a line that is indented too far",
        'put quotes around text that holds ": ", or align the line with its neighbours',
    ),
    (
        "did not find expected ',' or",
        "a `{...}` or `[...]` goes wrong here",
        "inside {} and [] put quotes around text that has brackets: "
        '{content: "BYTES[1]", path: "${NAME}"}',
    ),
    (
        "did not find expected key",
        "this line does not fit the indentation above it",
        "align it with the keys it belongs to",
    ),
    (
        "did not find expected '-' indicator",
        "a list goes on here without a `-`",
        "start the line with `- `, or align it with what it belongs to",
    ),
    (
        "could not find expected ':'",
        "a key without a colon",
        "write `key: value`",
    ),
    (
        "found unexpected end of stream",
        "the quote that opens here is never closed",
        "close the quote",
    ),
    (
        "did not find expected node content",
        "a value is missing here",
        "write the value, or remove the comma or bracket",
    ),
    (
        "unknown escape character",
        'an unknown escape in "..."',
        "use '...', in which a backslash is just a backslash",
    ),
)

SEEN_LATE = ("could not find expected ':'", "found unexpected end of stream")
"""Problems that a parser notices only behind the place where they begin, its context."""


def explain(error: yaml.YAMLError, text: str) -> tuple[int, int, str, str]:
    """Return line, column, message and remedy of a parser's error; lines start at 1."""
    mark: Any = getattr(error, "problem_mark", None)
    if mark is None:
        return _character(text)
    problem = str(getattr(error, "problem", "") or "not YAML")
    if any(part in problem for part in SEEN_LATE):
        mark = getattr(error, "context_mark", None) or mark
    line, column = mark.line + 1, mark.column + 1
    if _at(text, mark.line, mark.column) == "\t" or "tab" in problem:
        return line, column, "a tab indents this line", "indent with spaces, YAML has no tabs"
    for part, message, fix in REASONS:
        if part in problem:
            return line, column, message, fix
    return line, column, f"not YAML: {problem}", "compare with the lines around it"


def _character(text: str) -> tuple[int, int, str, str]:
    """Explain a character that YAML allows nowhere, of which parsers tell only the offset."""
    found = next((i for i, char in enumerate(text) if not _allowed(char)), 0)
    before = text[:found]
    line, column = before.count("\n") + 1, found - (before.rfind("\n") + 1) + 1
    shown = f"U+{ord(text[found]):04X}" if text else "nothing"
    return line, column, f"the control character {shown} is not allowed in YAML", "remove it"


def _allowed(char: str) -> bool:
    code = ord(char)
    return char in "\t\n\r\x85" or 0x20 <= code <= 0x7E or (code >= 0xA0 and code != 0xFEFF)


def _at(text: str, line: int, column: int) -> str:
    lines = text.splitlines()
    return lines[line][column : column + 1] if line < len(lines) else ""
