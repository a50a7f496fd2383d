"""What Python files in a model's folder say: the step they run, the models they call."""

import ast
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tritongen.stages.adopt.repository import Folder

STEP_FILE = "1/step.json"
"""What a plain step that tritongen built is known by."""
LARGEST_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class PlainStep:
    """A function that the runner beside it calls."""

    file: str
    function: str
    join: bool


def plain_step(folder: Folder) -> PlainStep | None:
    """Return the plain step that a model was built from, or ``None``."""
    path = folder.files.get(STEP_FILE)
    try:
        said: Any = json.loads(path.read_bytes()) if path else {}
        step = PlainStep(
            file=str(said["file"]), function=str(said["function"]), join=bool(said["join"])
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return step if f"1/{step.file}" in folder.files and step.function.isidentifier() else None


def called_models(folder: Folder, models: Collection[str]) -> tuple[str, ...]:
    """Return the models of this repository that a Python model's code names (BLS), in order."""
    found = {
        name
        for file, path in folder.files.items()
        if file.endswith(".py") and path.stat().st_size <= LARGEST_BYTES
        for name in _named(path.read_bytes())
    }
    return tuple(sorted(found & set(models) - {folder.name}))


def _named(code: bytes) -> set[str]:
    """Return the texts given as ``model_name=`` anywhere in the code."""
    if b"InferenceRequest" not in code:
        return set()
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "model_name"
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
