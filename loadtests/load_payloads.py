"""The samples of a payload file, written by numpy's ``savez`` and read without pickle.

A file has ``n`` samples of some inputs and, where answers are checked, of some outputs. Tensors are
numbered in the order of their names; ``inputs`` below may also be ``outputs``.

=====================  =======================================================================
``inputs.names``       text, [m]
``inputs.datatypes``   text, [m], as the protocol says them: FP32, BYTES
``inputs.0.data``      uint8, [bytes]: all samples of the first input, one behind the other, as
                       Triton takes them: little-endian, rows first; BYTES: each element behind
                       its length in 4 bytes; BOOL: a byte each
``inputs.0.ends``      int64, [n]: where each sample ends in it
``inputs.0.shapes``    int64, [n, rank]: the shape of each, with the batch dimension if it has one
``inputs.0.given``     bool, [n]: whether the sample has this input at all; all do if missing
=====================  =======================================================================
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from load_scenario import ScenarioError


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor of a sample as it is sent: ``data`` are its bytes."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The inputs of one request, and the outputs that are expected of it (none if not said)."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read(path: Path) -> tuple[Sample, ...]:
    """Read all samples of a payload file; raise `ScenarioError` if it is not one, or empty."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            inputs = _tensors(arrays, "inputs")
            outputs = _tensors(arrays, "outputs") if "outputs.names" in arrays else []
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise ScenarioError(f"{path}: not a payload file: {error}") from None
    counts = {len(tensors) for tensors in (*inputs, *outputs)}
    if counts in (set(), {0}):
        raise ScenarioError(f"{path} has no samples")
    if len(counts) > 1:
        raise ScenarioError(f"{path}: its tensors have different numbers of samples")
    return tuple(
        Sample(inputs=_given(inputs, i), outputs=_given(outputs, i)) for i in range(counts.pop())
    )


def _given(tensors: Sequence[Sequence[Tensor | None]], sample: int) -> tuple[Tensor, ...]:
    return tuple(tensor for each in tensors if (tensor := each[sample]) is not None)


def _tensors(arrays: Any, role: str) -> list[list[Tensor | None]]:
    """Return, for each tensor, that of each sample."""
    names, datatypes = arrays[f"{role}.names"].tolist(), arrays[f"{role}.datatypes"].tolist()
    return [
        _samples(arrays, f"{role}.{number}", name, datatype)
        for number, (name, datatype) in enumerate(zip(names, datatypes, strict=True))
    ]


def _samples(arrays: Any, key: str, name: str, datatype: str) -> list[Tensor | None]:
    data = arrays[f"{key}.data"].astype(np.uint8, casting="safe", copy=False).tobytes()
    ends, shapes = arrays[f"{key}.ends"].tolist(), arrays[f"{key}.shapes"].tolist()
    given = arrays[f"{key}.given"].tolist() if f"{key}.given" in arrays else [True] * len(ends)
    if ends and ends[-1] != len(data):
        raise ValueError(f"{key}.data has {len(data)} bytes, {key}.ends says {ends[-1]}")
    return [
        Tensor(name=name, datatype=datatype, shape=tuple(shape), data=data[start:end])
        if there
        else None
        for start, end, shape, there in zip([0, *ends], ends, shapes, given, strict=False)
    ]


def write(path: Path, samples: Sequence[Sample]) -> None:
    """Write a payload file; samples may lack inputs, those of one name have the same rank."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for role in ("inputs", "outputs"):
        rows = [{tensor.name: tensor for tensor in getattr(sample, role)} for sample in samples]
        known = {name: tensor for row in reversed(rows) for name, tensor in row.items()}
        names = list(dict.fromkeys(name for row in rows for name in row))
        if role == "outputs" and not names:
            continue
        arrays[f"{role}.names"] = np.array(names, dtype=np.str_)
        arrays[f"{role}.datatypes"] = np.array([known[name].datatype for name in names], np.str_)
        for number, name in enumerate(names):
            column = [row.get(name) for row in rows]
            data = [tensor.data if tensor else b"" for tensor in column]
            blank = (0,) * len(known[name].shape)
            shapes = [tensor.shape if tensor else blank for tensor in column]
            arrays[f"{role}.{number}.data"] = np.frombuffer(b"".join(data), np.uint8)
            arrays[f"{role}.{number}.ends"] = np.cumsum(
                [len(each) for each in data], dtype=np.int64
            )
            arrays[f"{role}.{number}.shapes"] = np.array(shapes, np.int64).reshape(len(rows), -1)
            arrays[f"{role}.{number}.given"] = np.array([tensor is not None for tensor in column])
    np.savez(path, **arrays)
