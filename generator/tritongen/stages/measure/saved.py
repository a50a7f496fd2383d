"""Measurements as files: ``<load test>-<number>.json``, with all that is known of the run."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tritongen.errors import HostError, SpecError
from tritongen.formats import json as formats
from tritongen.records.measurement import Measurement

FORMAT = 1


def as_json(measurement: Measurement) -> dict[str, Any]:
    """Return what a result file holds."""
    return {"tritongen_measurement": FORMAT, **asdict(measurement)}


def write_measurement(measurement: Measurement, folder: Path) -> Path:
    """Write a result under the next free number, whole or not at all; return its path.

    Raises:
        HostError: it can't be written.
    """
    text = formats.write(as_json(measurement))
    draft: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _next(folder, measurement.load.name)
        draft = path.with_suffix(".new")
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except OSError as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        raise HostError(
            f"the result can't be written to {folder}: {error.strerror}",
            fix="make room there; --json shows the result as well",
        ) from error
    return path


def _next(folder: Path, name: str) -> Path:
    numbers = [
        int(number)
        for path in folder.glob(f"{name}-*.json")
        if (number := path.stem.removeprefix(f"{name}-")).isdecimal()
    ]
    return folder / f"{name}-{max(numbers, default=0) + 1}.json"


def read_measurement(path: Path) -> Measurement:
    """Read a result file.

    Raises:
        SpecError: there is none, or it is something else.
    """
    try:
        said = json.loads(path.read_bytes())
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}", fix="name a file of results") from error
    except ValueError as error:
        raise SpecError(f"{path} is no JSON: {error}", fix="name a file of results") from error
    version = said.pop("tritongen_measurement", None) if isinstance(said, dict) else None
    if version != FORMAT:
        raise SpecError(
            f"{path} is no result of `tritongen load`",
            why=f"its format is {version}, read here is {FORMAT}" if version else "",
            fix="name a file below .tritongen/results",
        )
    try:
        return TypeAdapter(Measurement).validate_python(said)
    except ValidationError as error:
        raise SpecError(f"{path} is no whole result", why=str(error)) from error
