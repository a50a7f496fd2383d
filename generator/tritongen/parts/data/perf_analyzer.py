"""The JSON that perf_analyzer takes as ``--input-data``: ``{"data": [...]}``.

A step is ``{input: values}``, the values flat, or ``{"content": [...], "shape": [...]}``, or
``{"b64": ...}``; a list of lists of steps is streams, as sequences need them. ``validation_data``
holds the expected outputs.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from tritongen.parts.data._row import NotReadableError, Row


def read(path: Path) -> Iterator[Row]:
    """Yield the steps, those of a stream one after the other."""
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise NotReadableError(f"it is no JSON: {error}") from error
    if not isinstance(said, dict) or not isinstance(said.get("data"), list):
        raise NotReadableError('it has no "data": [...], as perf_analyzer writes it')
    expected = said.get("validation_data", [])
    for number, (part, answers) in enumerate(zip_longest(said["data"], expected)):
        if isinstance(part, list):
            for step, answer in zip_longest(part, answers or []):
                yield _row(step, answer, f"data[{number}]", number)
        else:
            yield _row(part, answers, f"data[{number}]", None)


def _row(step: Any, answer: Any, where: str, stream: int | None) -> Row:
    if not isinstance(step, dict):
        raise NotReadableError(f"{where} is no step: wanted is {{input: values}}")
    inputs = {name: _value(value, where) for name, value in step.items()}
    outputs = {name: _value(value, where) for name, value in (answer or {}).items()}
    return Row(inputs=inputs, outputs=outputs, stream=stream)


def _value(value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    try:
        if "b64" in value:
            return base64.b64decode(value["b64"], validate=True)
        content, shape = value["content"], value.get("shape")
        if isinstance(content, Mapping):
            return base64.b64decode(content["b64"], validate=True)
        return np.array(content, dtype=object).reshape(shape).tolist() if shape else content
    except (KeyError, ValueError, TypeError) as error:
        raise NotReadableError(f"{where} holds a value that is not read: {error!r}") from error
