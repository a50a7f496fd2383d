"""What the user gave for each input, as one array of the shape that the model takes."""

from collections.abc import Mapping, Sequence

import numpy as np

from tritongen.errors import SpecError
from tritongen.triton.signature import Input, Signature, fit, matches
from tritongen.triton.values import Array, WrongValueError, array_of_file, array_of_text

File = tuple[str, bytes]
"""A file's name and content."""


def given(
    signature: Signature, values: Mapping[str, Sequence[str | File]]
) -> dict[str, Sequence[Array]]:
    """Return the arrays of ``name=value`` and ``name=@file``, several of one name in order.

    Raises ``SpecError`` with all that is wrong, and what the model expects.
    """
    tensors = {tensor.name: tensor for tensor in signature.inputs}
    arrays: dict[str, Sequence[Array]] = {}
    problems = []
    for name, said in values.items():
        if name not in tensors:
            raise signature.unknown("input", name, tensors)
        try:
            arrays[name] = [_array(value, tensors[name].datatype) for value in said]
        except WrongValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise signature.wrong(problems)
    return arrays


def gather(
    signature: Signature, values: Mapping[str, Sequence[Array]], rows: int | None = None
) -> dict[str, Array]:
    """Return one array per input, batch dimension included where the model takes batches.

    Several arrays of one input are its rows. A batch dimension may be left out, and so may the
    structure of an array that has only one shape. Inputs of one row are repeated for the
    others, or ``rows`` times. Raises ``SpecError`` with all that is wrong.
    """
    tensors = {tensor.name: tensor for tensor in signature.inputs}
    for name in values:
        if name not in tensors:
            raise signature.unknown("input", name, tensors)
    problems = [
        f"{name}: missing"
        for name, tensor in tensors.items()
        if name not in values and not tensor.optional
    ]
    arrays = {}
    for name, said in values.items():
        try:
            arrays[name] = _joined([fit(a, tensors[name], signature) for a in said])
            _check(arrays[name], tensors[name], signature)
        except WrongValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise signature.wrong(problems)
    return _even(signature, arrays, rows)


def _array(value: str | File, datatype: str) -> Array:
    if isinstance(value, str):
        return array_of_text(value, datatype)
    return array_of_file(*value, datatype)


def _joined(arrays: Sequence[Array]) -> Array:
    if len({array.shape[1:] for array in arrays}) > 1:
        shapes = ", ".join(str(list(shape)) for shape in sorted({a.shape[1:] for a in arrays}))
        raise WrongValueError(
            f"its rows differ in shape ({shapes}); one request takes equal ones only"
        )
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def _check(array: Array, tensor: Input, signature: Signature) -> None:
    # Several values of an input that has no rows were joined along its own first dimension.
    if not signature.batches(tensor) and not matches(array.shape, tensor.dims):
        raise WrongValueError(
            f"the values make {list(array.shape)} together, "
            f"which does not fit {signature.shape(tensor)}"
        )


def _even(signature: Signature, arrays: dict[str, Array], rows: int | None) -> dict[str, Array]:
    if not signature.max_batch_size:
        if rows not in {None, 1}:
            raise SpecError(
                f"{signature.model} takes no batches",
                why="its max_batch_size is 0",
                fix="leave out --batch",
            )
        return arrays
    counts = signature.rows(arrays)
    most = max([*counts.values(), rows or 1])
    uneven = {name: count for name, count in counts.items() if count not in {1, most}}
    if uneven or (rows and most > rows):
        said = ", ".join(f"{name} has {count}" for name, count in counts.items())
        wanted = f"{rows} are wanted by --batch" if rows else "all inputs need as many"
        raise signature.wrong([f"the numbers of rows differ: {said}; {wanted}"])
    if most > signature.max_batch_size:
        raise signature.wrong(
            [f"{most} rows are more than {signature.model} takes"],
            fix=f"send at most {signature.max_batch_size} at once",
        )
    return {
        name: array if counts.get(name, most) == most else np.repeat(array, most, axis=0)
        for name, array in arrays.items()
    }
