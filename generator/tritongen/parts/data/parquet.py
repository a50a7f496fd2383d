"""Parquet: a column for each input, a row for each request; read by pyarrow."""

from collections.abc import Iterator
from pathlib import Path

from tritongen.errors import ToolMissingError
from tritongen.parts.data._row import NotReadableError, Row, of_columns


def read(path: Path) -> Iterator[Row]:
    """Yield the rows, batch by batch: the file need not fit into memory."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ToolMissingError(
            f"{path} is Parquet, which pyarrow reads",
            why=str(error),
            fix="pip install pyarrow ('pyarrow<22' beside the embedded engine's numpy 1.26)",
        ) from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                yield from map(of_columns, batch.to_pylist())
    except pyarrow.ArrowException as error:
        raise NotReadableError(f"it is no readable Parquet: {error}") from error
