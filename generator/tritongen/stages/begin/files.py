"""Finds model files and names them."""

import ast
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.backends import guess, suffixes
from tritongen.records.scalars import NAME


@dataclass(frozen=True, kw_only=True)
class Found:
    """A model to be: its name, and its ``source:`` or ``python:`` as the spec will say it."""

    name: str
    key: str
    value: str


def find(paths: Sequence[Path], folder: Path) -> list[Found]:
    """Return the models that ``paths`` hold, named apart; values start at ``folder``.

    Raises:
        SpecError: a path is missing or no model, or there is none at all.
    """
    found: dict[str, Found] = {}
    for path in paths:
        for name, key, file, function in _in(path):
            unique = name
            while unique in found:
                number = int(unique.rpartition("-")[2]) + 1 if unique != name else 2
                unique = f"{name}-{number}"
            relative = Path(os.path.relpath(file, folder)).as_posix()
            value = f"{relative}:{function}" if function else relative
            found[unique] = Found(name=unique, key=key, value=value)
    if not found:
        raise SpecError(
            f"no model in {', '.join(map(str, paths))}",
            fix="name model files: tritongen init model.onnx step.py",
        )
    return list(found.values())


def _in(path: Path) -> Iterator[tuple[str, str, Path, str]]:
    """Yield name, key, file and function of each model at a path."""
    if not path.exists():
        raise SpecError(f"there is no file {path}", fix="check the path")
    if path.is_dir() and guess(path) is None:
        for file in sorted(path.iterdir()):
            if not file.name.startswith((".", "_")):
                yield from _model(file, quiet=True)
        return
    yield from _model(path, quiet=False)


def _model(path: Path, *, quiet: bool) -> Iterator[tuple[str, str, Path, str]]:
    if path.suffix == ".py":
        function = _function(path)
        if function is not None:
            yield _name(path), "python", path, function
        elif not quiet:
            raise SpecError(
                f"{path} has no function that could be a step",
                why="a step is a function without an underscore that takes named arrays and "
                "returns a dict of arrays; or the class TritonPythonModel",
                fix="write one, or name another file",
            )
    elif guess(path) is not None:
        yield _name(path), "source", path, ""
    elif not quiet:
        raise SpecError(
            f"{path} is no model file known here",
            why=f"known are .py, {', '.join(suffixes())}",
            fix="name one of those; a custom backend's model is written by hand: `backend:`",
        )


def _name(path: Path) -> str:
    """Return the file's stem as a name; for ``model.onnx`` the folder's, past a version."""
    parts = [part for part in (path.absolute().parent.parts) if not part.isdigit()]
    stem = path.name.partition(".")[0] if path.is_file() else path.name
    word = parts[-1] if stem == "model" and len(parts) > 1 else stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", word).strip("._-")
    return name if NAME.fullmatch(name) else "model"


def _function(path: Path) -> str | None:
    """Return the function to call, "" for a TritonPythonModel, ``None`` if there is neither."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        raise SpecError(f"{path} is not Python: {error}", fix="repair it first") from None
    names = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and node.name != "setup"
    ]
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    if "TritonPythonModel" in classes:
        return ""
    return path.stem if path.stem in names else names[-1] if names else None
