"""The requests of one model: from files, made up, or both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from tritongen.records.loadtest import Data, Values
from tritongen.records.units import Range
from tritongen.stages.payloads.corpus import array_of, find, rows, sample
from tritongen.stages.payloads.generate import draw, sizes, values
from tritongen.stages.payloads.sample import Sample
from tritongen.triton.signature import Input, Signature
from tritongen.triton.values import Array, WrongValueError

GENERATED = 64
"""How many different requests are made up if nothing is said."""
MOST_BYTES = 512 << 20
Dims = Mapping[str, tuple[int, ...]]


def make(
    model: Signature, outputs: Dims, data: Data, base: Path, numbers: np.random.Generator
) -> list[Sample]:
    """Return the different requests for a model; ``outputs`` are the dims of its outputs.

    Paths start at ``base``.

    Raises:
        WrongValueError: the files or the values are not what the model takes.
        OSError: a file can't be read.
        ToolMissingError: a library that reads one is not installed.
    """
    _check_rows(model, data.rows)
    if data.files:
        single = _from_files(model, outputs, data, base)
        made = [_completed(each, model, data.inputs, numbers) for each in single]
        return made if data.rows.high == 1 else list(_joined(model, made, data.rows, numbers))
    files = {
        name: [path for each in said.files or () for path in find(base, each)]
        for name, said in data.inputs.items()
    }
    count = data.samples or max(map(len, files.values()), default=0) or GENERATED
    return [_generated(model, data, files, number, numbers) for number in range(count)]


def _check_rows(model: Signature, said: Range) -> None:
    if said.high > 1 and not model.max_batch_size:
        raise WrongValueError(f"{model.model} takes no batches, and `rows` asks for {said.high:g}")
    if said.low < 1 or said.high > max(model.max_batch_size, 1):
        raise WrongValueError(
            f"`rows` is {said.low:g}..{said.high:g}, and {model.model} takes 1 to "
            f"{max(model.max_batch_size, 1)} rows at once"
        )


def _from_files(model: Signature, outputs: Dims, data: Data, base: Path) -> list[Sample]:
    files = [path for said in data.files for path in find(base, said)]
    single: list[Sample] = []
    size_bytes = 0
    for row in islice(rows(files, model), data.samples):
        single.append(sample(row, model, outputs))
        size_bytes += sum(_size(array) for array in single[-1].inputs.values())
        if size_bytes > MOST_BYTES:
            raise WrongValueError("the data is more than 512 MiB; say how many `samples` to take")
    if not single:
        raise WrongValueError(f"{', '.join(data.files)}: no request in it")
    return single


def _size(array: Array) -> int:
    return array.nbytes if array.dtype.kind != "O" else sum(len(each) for each in array.ravel())


def _completed(
    said: Sample, model: Signature, more: Mapping[str, Values], numbers: np.random.Generator
) -> Sample:
    """Add the inputs that the spec has made up beside those of the file."""
    inputs = dict(said.inputs)
    count = next(iter(model.rows(inputs).values()), 1)
    drawn = sizes(model, more, numbers)
    for tensor in model.inputs:
        if tensor.name in more and tensor.name not in inputs:
            shape = _shape(model, tensor, drawn, count)
            inputs[tensor.name] = _values(tensor, more[tensor.name], shape, numbers)
        elif tensor.name not in inputs and not tensor.optional:
            raise WrongValueError(f"{tensor.name}: missing, and {model.model} needs it")
    _check_batch(inputs, model)
    return replace(said, inputs=inputs)


def _check_batch(inputs: Mapping[str, Array], model: Signature) -> None:
    counts = model.rows(inputs)
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise WrongValueError(f"the inputs of one request differ in their rows: {said}")
    most = max(counts.values(), default=0)
    if most > model.max_batch_size:
        raise WrongValueError(f"{most} rows at once; {model.model} takes {model.max_batch_size}")


def _generated(
    model: Signature,
    data: Data,
    files: Mapping[str, Sequence[Path]],
    number: int,
    numbers: np.random.Generator,
) -> Sample:
    drawn, count = sizes(model, data.inputs, numbers), draw(numbers, data.rows)
    needed = [t for t in model.inputs if not t.optional or t.name in data.inputs]
    inputs = {}
    for tensor in needed or model.inputs:
        said = data.inputs.get(tensor.name, Values())
        if tensor.optional and said.present is not None and numbers.random() >= said.present:
            continue
        if found := files.get(tensor.name):
            rows = count if model.batches(tensor) else 1
            taken = [found[(number * count + row) % len(found)] for row in range(rows)]
            inputs[tensor.name] = _stack([array_of(path, tensor, model) for path in taken])
        else:
            shape = _shape(model, tensor, drawn, count)
            inputs[tensor.name] = _values(tensor, said, shape, numbers)
    _check_batch(inputs, model)
    return Sample(inputs=inputs)


def _shape(
    model: Signature, tensor: Input, drawn: Mapping[int, int], count: int
) -> tuple[int, ...]:
    batch = (count,) if model.batches(tensor) else ()
    return (*batch, *(drawn[at] if dim < 0 else dim for at, dim in enumerate(tensor.dims)))


def _values(
    tensor: Input, said: Values, shape: tuple[int, ...], numbers: np.random.Generator
) -> Array:
    try:
        return values(tensor, said, shape, numbers)
    except WrongValueError as error:
        raise WrongValueError(f"{tensor.name}: {error}") from error


def _joined(
    model: Signature, single: Sequence[Sample], said: Range, numbers: np.random.Generator
) -> Iterator[Sample]:
    """Put samples of one row together, so many as are drawn, until each was taken once."""
    shared = {tensor.name for tensor in model.inputs if not model.batches(tensor)}
    taken = 0
    while taken < len(single):
        count = draw(numbers, said)
        part = [single[(taken + n) % len(single)] for n in range(count)]
        yield Sample(
            inputs={
                name: (_same if name in shared else _stack)([each.inputs[name] for each in part])
                for name in part[0].inputs
            },
            outputs={n: _stack([each.outputs[n] for each in part]) for n in part[0].outputs},
        )
        taken += count


def _stack(arrays: Sequence[Array]) -> Array:
    if len({array.shape[1:] for array in arrays}) > 1:
        raise WrongValueError("samples of different shapes can't be rows of one request")
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def _same(arrays: Sequence[Array]) -> Array:
    if any(not np.array_equal(array, arrays[0]) for array in arrays):
        raise WrongValueError("rows of one request have the same shape tensor, these differ")
    return arrays[0]
