"""Python files: read by ``ast``, never run."""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.backends._backend import TEXT, Backend, Format
from tritongen.records.facts import Inspection
from tritongen.records.finding import Place

DEFAULT_FILE = "model.py"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_COOKIE = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)([-\w.]+)", re.ASCII)


def inspect(file: Path, shown: str) -> Inspection:
    """Require a ``TritonPythonModel``; its tensors are known to its code only."""
    _, tree = parse(file, shown)
    require_model(tree, shown)
    return Inspection()


def parse(file: Path, shown: str, python: tuple[int, int] | None = None) -> tuple[str, ast.Module]:
    """Return the text of a Python file and its syntax tree.

    The text is without a byte order mark, and its encoding cookie says UTF-8, which is what it
    is written as. ``python`` is the version that has to understand it, if that is known.
    Raises ``SpecError`` with the place in the file.
    """
    text = _decode(file.read_bytes(), shown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, feature_version=python)
    except SyntaxError as error:
        place = Place(file=shown, line=error.lineno or 1, column=max(error.offset or 1, 1))
        message = f"Python can't read this: {error.msg}"
        raise SpecError.of("TG061", message, fix="correct the file", place=place) from error
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes; nested too deeply
        place = Place(file=shown, line=1, column=1)
        message = f"Python can't read this: {error or 'it is nested too deeply'}"
        raise SpecError.of("TG061", message, fix="correct the file", place=place) from error
    return text, tree


def _decode(data: bytes, shown: str) -> str:
    place = Place(file=shown, line=1, column=1)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        if isinstance(error, UnicodeDecodeError):
            place = Place(file=shown, line=data.count(b"\n", 0, error.start) + 1, column=1)
        message = f"this is not text that Python can read: {error}"
        fix = "save the file as UTF-8"
        raise SpecError.of("TG061", message, fix=fix, place=place) from error
    if encoding in {"utf-8", "utf-8-sig"}:
        return text
    lines = text.splitlines(keepends=True)
    return "".join([_COOKIE.sub(r"\1utf-8", line) for line in lines[:2]] + lines[2:])


def require_model(tree: ast.Module, shown: str) -> None:
    """Raise ``SpecError`` unless the file makes a ``TritonPythonModel`` that can ``execute``.

    A class with bases, or one that comes from elsewhere, may have it from there.
    """
    name = "TritonPythonModel"
    for definition in definitions(tree):
        if definition.name == name and isinstance(definition, ast.ClassDef):
            methods = bound(definition.body)
            if "execute" in methods or definition.bases:
                return
            raise SpecError.of(
                "TG065",
                f"{name} has no method execute",
                why="Triton calls it for every batch of requests",
                fix="add def execute(self, requests)",
                place=Place(file=shown, line=definition.lineno, column=definition.col_offset + 1),
            )
    names = bound(tree.body)
    if name not in names and "*" not in names:
        raise SpecError.of(
            "TG065",
            f"{shown} has no class {name}",
            why="without a function, the file is what Triton's Python backend runs",
            fix=f"define the class, or name a function: python: {shown}:FUNCTION",
            place=Place(file=shown, line=1, column=1),
        )


def definitions(tree: ast.Module) -> Iterator[Definition]:
    """Yield the functions and classes of a module, also those under ``if`` and ``try``."""
    for statement in statements(tree.body):
        if isinstance(statement, Definition):
            yield statement


def statements(body: Iterable[ast.stmt], *, deep: bool = False) -> Iterator[ast.stmt]:
    """Yield the statements of a scope, also those inside ``if``, ``try``, ``with`` and loops.

    ``deep`` goes into functions and classes, too. It is several times faster than ``ast.walk``,
    which visits every expression.
    """
    waiting: list[ast.AST] = []
    waiting += body
    waiting.reverse()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
            if isinstance(node, Definition) and not deep:
                continue
        for field in ("finalbody", "orelse", "cases", "handlers", "body"):
            waiting += getattr(node, field, ())[::-1]


def bound(body: Iterable[ast.stmt]) -> set[str]:
    """Return the names that a scope makes; ``*`` if it imports everything from somewhere."""
    names = set()
    for statement in statements(body):
        if isinstance(statement, Definition):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found = (node for target in targets for node in ast.walk(target))
            names |= {node.id for node in found if isinstance(node, ast.Name)}
    return names


BACKEND = Backend(
    name="python",
    formats=(Format(file=DEFAULT_FILE, suffixes=(".py",), inspect=inspect, compared=False),),
    parameters={"EXECUTION_ENV_PATH": TEXT, "FORCE_CPU_ONLY_INPUT_TENSORS": TEXT},
)
