"""One request's arrays, and many of them as the payload file that the load program reads."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tritongen.triton.values import Array, encoded


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Arrays by input, batch dimension included, and by expected output.

    ``stream`` tells samples that follow each other from those of the next sequence.
    """

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array] = field(default_factory=dict)
    stream: int | None = None


def payload(samples: Sequence[Sample], datatypes: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return the payload file, the same bytes for the same samples.

    ``datatypes`` are those of ``inputs`` and ``outputs`` by name, as the protocol says them.
    The format is the one that ``runtime/load/load_payloads.py`` says.
    """
    arrays: dict[str, Array] = {}
    for role in ("inputs", "outputs"):
        rows = [getattr(sample, role) for sample in samples]
        names = [name for name in datatypes[role] if any(name in row for row in rows)]
        if role == "outputs" and not names:
            continue
        arrays[f"{role}.names"] = np.array(names, np.str_)
        arrays[f"{role}.datatypes"] = np.array([datatypes[role][name] for name in names], np.str_)
        for number, name in enumerate(names):
            column = _column([row.get(name) for row in rows])
            arrays |= {f"{role}.{number}.{key}": value for key, value in column.items()}
    return _npz(arrays)


def _npz(arrays: Mapping[str, Array]) -> bytes:
    """Return what ``numpy.savez`` writes, without what differs between its versions."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return file.getvalue()


def _column(values: Sequence[Array | None]) -> dict[str, Array]:
    data = [b"" if value is None else encoded(value) for value in values]
    rank = max(value.ndim for value in values if value is not None)
    shapes = [(0,) * rank if value is None else value.shape for value in values]
    return {
        "data": np.frombuffer(b"".join(data), np.uint8),
        "ends": np.cumsum([len(each) for each in data], dtype=np.int64),
        "shapes": np.array(shapes, np.int64).reshape(len(values), rank),
        "given": np.array([value is not None for value in values]),
    }
