"""JSON lines: a request a line, ``{input: value}`` or ``{"inputs": {...}, "outputs": {...}}``."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tritongen.parts.data._row import NotReadableError, Row, of_columns


def read(path: Path) -> Iterator[Row]:
    """Yield a row for each line that is not blank."""
    with path.open(encoding="utf-8") as file:
        try:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _row(line, f"line {number}")
        except UnicodeDecodeError as error:
            raise NotReadableError(f"it is not UTF-8: {error}") from error


def _row(line: str, where: str) -> Row:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotReadableError(f"{where} is no JSON: {error}") from error
    if not isinstance(said, dict):
        raise NotReadableError(f"{where} is no object, wanted is {{input: value}}")
    if _is_nested(said):
        return Row(inputs=said["inputs"], outputs=said.get("outputs", {}))
    return of_columns(said)


def _is_nested(said: Mapping[str, Any]) -> bool:
    parts = [said.get("inputs"), said.get("outputs", {})]
    return said.keys() <= {"inputs", "outputs"} and all(isinstance(part, dict) for part in parts)
