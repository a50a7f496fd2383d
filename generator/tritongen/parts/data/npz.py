"""NumPy archives: an array for each input, whose first dimension counts the requests."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tritongen.parts.data._row import NotReadableError, Row, of_columns


def read(path: Path) -> Iterator[Row]:
    """Yield a row for each index of the first dimension."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise NotReadableError(f"it is no readable .npz: {error}") from error
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise NotReadableError(f"its arrays differ in their first dimension: {said}")
    for index in range(next(iter(lengths.values()), 0)):
        yield of_columns({name: array[index] for name, array in arrays.items()})
