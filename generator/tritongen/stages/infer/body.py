"""A request body: the protocol's own JSON, or an object of values by input."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tritongen.errors import SpecError
from tritongen.triton.signature import Input, Signature
from tritongen.triton.values import Array, WrongValueError, array_of_json

HINT = 'write {"INPUT": value, ...}, or a request as POST /v2/models/.../infer takes it'


@dataclass(frozen=True, kw_only=True)
class Body:
    """What a request body says; ``classes`` maps an output to how many classes it asks for."""

    inputs: Mapping[str, list[Array]]
    outputs: tuple[str, ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


def read_body(text: bytes, name: str, signature: Signature) -> Body:
    """Return what a body says; ``name`` is its file's, for messages.

    Raises ``SpecError`` with all that is wrong.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{name} is no JSON: {error}", fix=HINT) from error
    if not isinstance(body, dict):
        raise SpecError(f"{name} holds no JSON object", fix=HINT)
    if not _is_request(body, signature):
        return Body(inputs=_arrays(signature, {key: (None, value) for key, value in body.items()}))
    outputs = _named(body.get("outputs", []), f"{name}: outputs")
    return Body(
        inputs=_inputs(body["inputs"], name, signature),
        outputs=tuple(outputs),
        classes={key: count for key, count in _classes(outputs, name) if count},
        parameters=_object(body.get("parameters", {}), f"{name}: parameters"),
    )


def _is_request(body: dict[str, Any], signature: Signature) -> bool:
    # A model may have an input called `inputs`; its value is no list of named tensors.
    rows = body.get("inputs")
    named = isinstance(rows, list) and all(isinstance(r, dict) and "name" in r for r in rows)
    return named and "inputs" not in {tensor.name for tensor in signature.inputs}


def _named(rows: Any, where: str) -> dict[str, dict[str, Any]]:
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows
    ):
        raise SpecError(f"{where} is no list of named tensors", fix=HINT)
    return {row["name"]: row for row in rows}


def _classes(outputs: dict[str, dict[str, Any]], name: str) -> Iterator[tuple[str, int]]:
    for key, row in outputs.items():
        parameters = _object(row.get("parameters", {}), f"{name}: parameters of output {key}")
        count = parameters.get("classification", 0)
        if not isinstance(count, int) or count < 0:
            raise SpecError(f"{name}: classification of output {key} is no number of classes")
        yield key, count


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SpecError(f"{where} is no JSON object", fix=HINT)
    return value


def _inputs(rows: Any, name: str, signature: Signature) -> dict[str, list[Array]]:
    tensors = {tensor.name: tensor for tensor in signature.inputs}
    problems = []
    values = {}
    for key, row in _named(rows, f"{name}: inputs").items():
        wanted = tensors[key].datatype if key in tensors else None
        if wanted and row.get("datatype", wanted) != wanted:
            problems.append(f"{key}: the datatype is {row['datatype']}, wanted is {wanted}")
        if "data" not in row:
            problems.append(f"{key}: no data; give binary data with --input {key}=@FILE")
        values[key] = (row.get("shape"), row.get("data"))
    if problems:
        raise signature.wrong(problems)
    return _arrays(signature, values)


def _arrays(signature: Signature, values: Mapping[str, tuple[Any, Any]]) -> dict[str, list[Array]]:
    tensors = {tensor.name: tensor for tensor in signature.inputs}
    arrays = {}
    problems = []
    for key, (shape, value) in values.items():
        if key not in tensors:
            raise signature.unknown("input", key, tensors)
        try:
            arrays[key] = [_array(tensors[key], shape, value)]
        except WrongValueError as error:
            problems.append(f"{key}: {error}")
    if problems:
        raise signature.wrong(problems)
    return arrays


def _array(tensor: Input, shape: Any, value: Any) -> Array:
    array = array_of_json(value, tensor.datatype)
    if shape is None:
        return array
    try:
        return array.reshape(shape)
    except (ValueError, TypeError) as error:
        raise WrongValueError(
            f"{array.size} values of data do not make the shape {shape}"
        ) from error
