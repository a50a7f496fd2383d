"""How the answers of a model are shown: tables for people, JSON for programs, files."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from tritongen.cli.output import STYLES, console, messages, show_json
from tritongen.errors import HostError
from tritongen.stages.infer import Signature
from tritongen.triton import Request, Response

WIDTH = 240
"""Columns of what is piped: there is no screen that lines would have to fit."""

ROWS = 8
COLUMNS = 8
TEXT = 48


class Answers:
    """Shows answers as they come; as JSON only when all are there."""

    def __init__(
        self, request: Request, expected: Signature, *, as_json: bool, save: Path | None
    ) -> None:
        self.request = request
        self.expected = expected
        self.as_json = as_json
        self.save = save
        self.responses: list[Response] = []
        if not console.is_terminal:
            console.width = WIDTH

    def add(self, response: Response) -> None:
        """Take one answer, its outputs in the order of the model's configuration."""
        order = [output.name for output in self.expected.outputs]
        known = sorted(response.outputs.items(), key=lambda item: order.index(item[0]))
        response = replace(response, outputs=dict(known))
        number = len(self.responses) if self.expected.decoupled else None
        self.responses.append(response)
        if self.save:
            save(response, self.save, number)
        if not self.as_json:
            self._show(response, number)

    def end(self) -> None:
        """Show what can be said when all answers are there."""
        if self.as_json and self.expected.decoupled:
            show_json({"responses": [as_json(response) for response in self.responses]})
        elif self.as_json:
            show_json(as_json(self.responses[0]))
        elif self.expected.decoupled:
            console.print(f"{len(self.responses)} response{'s' * (len(self.responses) != 1)}")
        else:
            self._tell_labels(self.responses[0])

    def _show(self, response: Response, number: int | None) -> None:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in ("output", "type", "shape"):
            table.add_column(column, no_wrap=True)
        table.add_column("labels" if self.request.classes else "values", overflow="fold")
        for name, array in response.outputs.items():
            shape = Text("[" + ", ".join(map(str, array.shape)) + "]")
            show = best if name in self.request.classes else element
            rows = Text("\n".join(lines(array, show)))
            table.add_row(Text(name), response.datatypes[name], shape, rows)
        console.print(table)
        said = [f"{key} = {value}" for key, value in shown_parameters(response).items()]
        if said:
            console.print(Text(f"parameters: {', '.join(said)}"))
        which = "" if number is None else f"response {number + 1}: "
        what = f"{response.time_ms:.1f} ms, {response.model} version {response.version}"
        console.print(Text(which + what, style="dim"))

    def _tell_labels(self, response: Response) -> None:
        known = [output.name for output in self.expected.outputs if output.labels]
        names = [name for name in known if name in response.outputs]
        if names and not self.request.classes:
            what = f"{', '.join(names)} has labels: see the best with --classes 3"
            messages.print(Text.assemble(("note", STYLES["note"]), "  ", what))


def lines(array: Any, show: Callable[[Any], str]) -> list[str]:
    """Return an array as lines, one per row of its first dimension, the middle left out."""
    if array.ndim <= 1:
        return [one_line(array.reshape(-1), show)]
    rows = [one_line(row.reshape(-1), show) for row in elided(array, ROWS)]
    if len(array) > ROWS:
        rows.insert(ROWS // 2, f"... {len(array) - ROWS} more rows")
    return rows or ["(no rows)"]


def one_line(flat: Any, show: Callable[[Any], str]) -> str:
    """Return values with commas, the middle left out."""
    words = [show(value) for value in elided(flat, COLUMNS)]
    if len(flat) > COLUMNS:
        words.insert(COLUMNS // 2, "...")
    return ", ".join(words)


def elided(values: Any, most: int) -> Sequence[Any]:
    """Return the first and last values if there are more than ``most``."""
    if len(values) <= most:
        return list(values)
    return [*values[: most // 2], *values[-(most // 2) :]]


def element(value: Any) -> str:
    """Return one value for a person."""
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, np.floating) else str(value)


def best(value: bytes) -> str:
    """Return a class, ``value:index[:label]``, as its label and value."""
    score, index, *label = value.decode("utf-8", "replace").split(":", 2)
    return f"{harmless(label[0]) if label else f'class {index}'} {float(score):.6g}"


def text(value: bytes) -> str:
    """Return BYTES as quoted text, or as what they are; the middle left out."""
    try:
        shown = value.decode()
    except UnicodeDecodeError:
        return f"{len(value)} bytes {value[:8].hex(' ')}{' ...' if len(value) > 8 else ''}"
    if len(shown) > TEXT:
        shown = f"{shown[: TEXT // 2]} ... {shown[-TEXT // 2 :]}"
    return harmless(json.dumps(shown, ensure_ascii=False))


def harmless(shown: str) -> str:
    """Return a text without what a terminal would obey."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", shown)


def as_json(response: Response) -> dict[str, Any]:
    """Return an answer in the protocol's JSON, ``data`` flat, with the time it took."""
    return {
        "model_name": response.model,
        "model_version": response.version,
        "parameters": dict(response.parameters),
        "outputs": [
            {
                "name": name,
                "datatype": response.datatypes[name],
                "shape": list(array.shape),
                "data": [json_element(value) for value in array.reshape(-1).tolist()],
            }
            for name, array in response.outputs.items()
        ],
        "time_ms": round(response.time_ms, 3),
    }


def json_element(value: Any) -> Any:
    """Return a value that JSON has: no NaN, and bytes that are no text as ``{"b64": ...}``."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def shown_parameters(response: Response) -> dict[str, Any]:
    """Return what the model said beside its outputs; Triton's own marks are left out."""
    own = ("sequence_", "triton_")
    return {k: v for k, v in response.parameters.items() if not k.startswith(own)}


def save(response: Response, folder: Path, number: int | None) -> None:
    """Write outputs: numbers as ``NAME.npy``, each element of BYTES as ``NAME[.i].bin``."""
    prefix = "" if number is None else f"{number}."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in response.outputs.items():
            stem = prefix + re.sub(r"[^\w.-]", "_", name)
            if array.dtype.kind != "O":
                np.save(folder / f"{stem}.npy", array, allow_pickle=False)
                continue
            for place, value in enumerate(array.reshape(-1)):
                dot = f".{place}" if array.size > 1 else ""
                (folder / f"{stem}{dot}.bin").write_bytes(value)
    except OSError as error:
        raise HostError(f"can't write to {folder}", why=error.strerror or "") from error
    messages.print(f"saved to {folder}", style="dim")
