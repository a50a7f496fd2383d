"""What one request carries, as a file gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXPECTED = "expected."
"""Columns whose names start so are outputs: what the answer to the row's inputs is to be."""


class NotReadableError(ValueError):
    """A file that is not what its suffix says; the text says where and how."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Values by input and, where given, by output: numpy arrays, ``bytes``, or JSON's values.

    ``stream`` tells rows that follow each other (a sequence) from those of the next one.
    """

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    stream: int | None = None


def of_columns(values: Mapping[str, Any]) -> Row:
    """Return a row from one value of each column."""
    outputs = {k.removeprefix(EXPECTED): v for k, v in values.items() if k.startswith(EXPECTED)}
    inputs = {key: value for key, value in values.items() if not key.startswith(EXPECTED)}
    return Row(inputs=inputs, outputs=outputs)
