"""Real data: files, folders and globs become samples."""

from collections.abc import Iterator, Mapping
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np

from tritongen.parts.data import READERS, NotReadableError, Row
from tritongen.records.finding import did_you_mean
from tritongen.records.tree import SKIPPED
from tritongen.stages.payloads import images
from tritongen.stages.payloads.sample import Sample
from tritongen.triton.signature import Input, Signature, fit
from tritongen.triton.values import (
    Array,
    WrongValueError,
    array_of_file,
    array_of_json,
    numpy_type,
)


def find(base: Path, said: str) -> list[Path]:
    """Return the files that a path, a folder or a pattern means, in the order of their names.

    Raises:
        WrongValueError: there is none.
    """
    path = base / said
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if _counts(each, path))
        if not found:
            raise WrongValueError(f"the folder {said} holds no file")
        return found
    if path.is_file():
        return [path]
    matching = (Path(name) for name in glob(str(path), recursive=True))  # noqa: PTH207, absolute
    found = sorted(each for each in matching if each.is_file())
    if not found:
        near = did_you_mean(path.name, _names(path.parent))
        what = "nothing matches" if glob_like(said) else "there is no file or folder"
        raise WrongValueError(f"{what} {said}" + (f"; {near}" if near else ""))
    return found


def glob_like(said: str) -> bool:
    """Tell whether a path is a pattern."""
    return any(sign in said for sign in "*?[")


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()] if folder.is_dir() else []


def _counts(path: Path, folder: Path) -> bool:
    inside = path.relative_to(folder).parts
    hidden = any(part.startswith(".") or part in SKIPPED for part in inside)
    return path.is_file() and not hidden


def rows(files: list[Path], model: Signature) -> Iterator[Row]:
    """Yield the rows of all files; one that is no list of rows is the value of the one input.

    Raises:
        WrongValueError: it is not what its suffix says, or nothing tells which input it is for.
    """
    for number, path in enumerate(files):
        reader = READERS.get(path.suffix.lower())
        if reader is None or _is_one_value(path, model):
            yield Row(inputs={_only_input(model): path})
            continue
        try:
            for row in reader.read(path):
                stream = None if row.stream is None else number * 1_000_000 + row.stream
                yield Row(inputs=row.inputs, outputs=row.outputs, stream=stream)
        except NotReadableError as error:
            raise WrongValueError(f"{path}: {error}") from error


def _is_one_value(path: Path, model: Signature) -> bool:
    """Tell whether a JSON file is text for a model of texts, not a list of requests."""
    texts = len(model.inputs) == 1 and model.inputs[0].datatype == "BYTES"
    return texts and path.suffix == ".json" and b'"data"' not in path.read_bytes()[:4096]


def _only_input(model: Signature) -> str:
    needed = [tensor for tensor in model.inputs if not tensor.optional] or list(model.inputs)
    if len(needed) != 1:
        names = ", ".join(tensor.name for tensor in needed)
        raise WrongValueError(
            f"{model.model} has several inputs ({names}), and a plain file does not say for which "
            "it is; write `data: {inputs: {NAME: path}}`, or give JSONL or NPZ"
        )
    return needed[0].name


def sample(row: Row, model: Signature, dims: Mapping[str, tuple[int, ...]]) -> Sample:
    """Return a row's arrays in the shapes and types of the model.

    ``dims`` are those of the outputs.

    Raises:
        WrongValueError: an input is not the model's, or a value does not fit it.
    """
    tensors = {tensor.name: tensor for tensor in model.inputs}
    outputs = {
        out.name: Input(name=out.name, datatype=out.datatype, dims=dims[out.name], optional=False)
        for out in model.outputs
    }
    return Sample(
        inputs={name: array_of(value, _named(name, tensors, model, "input"), model)
                for name, value in row.inputs.items()},
        outputs={name: array_of(value, _named(name, outputs, model, "output"), model)
                 for name, value in row.outputs.items()},
        stream=row.stream,
    )  # fmt: skip


def _named(name: str, tensors: Mapping[str, Input], model: Signature, kind: str) -> Input:
    if name not in tensors:
        hint = did_you_mean(name, tensors) or f"it has {', '.join(tensors)}"
        raise WrongValueError(f"{model.model} has no {kind} {name!r}; {hint}")
    return tensors[name]


def array_of(value: Any, tensor: Input, model: Signature) -> Array:
    """Return one value of a row as the array that is sent."""
    try:
        return fit(_array(value, tensor), tensor, model)
    except WrongValueError as error:
        raise WrongValueError(f"{tensor.name}: {error}") from error


def _array(value: Any, tensor: Input) -> Array:
    if isinstance(value, Path):
        data = value.read_bytes()
        if value.suffix.lower() in images.SUFFIXES and tensor.datatype != "BYTES":
            return images.read(value.name, data, tensor)
        return array_of_file(value.name, data, tensor.datatype)
    if isinstance(value, bytes):
        return array_of_file("", value, tensor.datatype)
    if isinstance(value, np.ndarray | np.generic):
        return _converted(np.asarray(value), tensor.datatype)
    return array_of_json(value, tensor.datatype)


def _converted(array: Array, datatype: str) -> Array:
    dtype = numpy_type(datatype)
    if dtype.kind == "O" and array.dtype.kind in "SU":
        texts = [
            each if isinstance(each, bytes) else each.encode() for each in array.ravel().tolist()
        ]
        converted = np.empty(len(texts), object)
        converted[:] = texts
        return converted.reshape(array.shape)
    if not np.can_cast(array.dtype, dtype, "safe"):
        raise WrongValueError(
            f"the array holds {array.dtype}, wanted is {datatype}; "
            f'convert it with .astype("{dtype}")'
        )
    return array.astype(dtype)
