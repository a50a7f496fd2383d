"""Files of requests, by suffix: each is read into rows, a row being what one request carries."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tritongen.parts.data import jsonl, npz, parquet, perf_analyzer
from tritongen.parts.data._row import NotReadableError, Row

__all__ = ["READERS", "NotReadableError", "Reader", "Row"]


class Reader(Protocol):
    """One kind of file."""

    def read(self, path: Path) -> Iterator[Row]:
        """Yield the rows of a file, in order.

        Raises:
            NotReadableError: the file is not what its suffix says; the text says how.
            ToolMissingError: a library that reads it is not installed.
            OSError: the file can't be read at all.
        """


READERS: Mapping[str, Reader] = {
    ".jsonl": jsonl,
    ".ndjson": jsonl,
    ".json": perf_analyzer,
    ".npz": npz,
    ".parquet": parquet,
}
"""Suffix -> module; a file of another suffix is taken whole, as the value of one input."""
