"""The modules beside a step that it imports, directly or through each other."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tritongen.errors import SpecError
from tritongen.parts.backends.python import DEFAULT_FILE, parse, statements
from tritongen.records.finding import Place

SERVED = "triton_python_backend_utils"
"""Triton brings this one; a file of that name beside a step is a stand-in for tests."""


def local_modules(
    file: Path, shown: str, tree: ast.Module, python: tuple[int, int] | None
) -> dict[str, str]:
    """Return the text of each local module by its path relative to the step's folder.

    Raises ``SpecError`` for an import that would find something else in Triton.
    """
    folder, modules = file.parent, dict[str, str]()
    waiting = [(file.name, tree)]
    while waiting:
        name, tree = waiting.pop()
        label = str(PurePosixPath(shown).parent / name)
        for statement, module in _imports(name, tree, label):
            if name == file.name and module[0] == file.stem:
                raise _own_name(file.stem, statement, label)
            for found in _files(folder, module):
                if found == DEFAULT_FILE and file.name != DEFAULT_FILE:
                    raise _runners_name(statement, label)
                if found in modules or found == file.name:
                    continue
                path = str(PurePosixPath(shown).parent / found)
                modules[found], below = parse(folder / found, path, python)
                waiting.append((found, below))
    return dict(sorted(modules.items()))


Import = ast.Import | ast.ImportFrom


def _imports(name: str, tree: ast.Module, shown: str) -> Iterator[tuple[Import, tuple[str, ...]]]:
    """Yield each import of a file and the absolute name that it may stand for, in parts."""
    package = PurePosixPath(name).parent.parts
    for node in statements(tree.body, deep=True):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            if node.level > len(package):
                raise _relative(node, shown)
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = (*start, *(node.module.split(".") if node.module else ()))
            if module:
                yield node, module
            for alias in node.names:
                yield node, (*module, alias.name)


def _files(folder: Path, module: tuple[str, ...]) -> Iterator[str]:
    """Yield the files that importing ``module`` runs, as far as they lie below ``folder``."""
    if module[0] == SERVED:
        return
    for end in range(1, len(module) + 1):
        path = PurePosixPath(*module[:end])
        package, plain = path / "__init__.py", path.with_name(f"{path.name}.py")
        if (folder / package).is_file():
            yield str(package)
        elif (folder / plain).is_file():
            yield str(plain)
            return
        elif not (folder / path).is_dir():
            return


def _relative(node: ast.ImportFrom, shown: str) -> SpecError:
    dots = "." * node.level
    return SpecError.of(
        "TG066",
        f"from {dots}{node.module or ''} import ... leaves the step's folder",
        why="in Triton the folder of the step is where imports start; it is no package",
        fix=f"import it by name: from {node.module} import ..."
        if node.module
        else f"import it by name: import {node.names[0].name}",
        place=_place(node, shown),
    )


def _own_name(name: str, node: Import, shown: str) -> SpecError:
    return SpecError.of(
        "TG066",
        f"this imports {name}, which in Triton is this file itself",
        why="imports look beside the step first",
        fix=f"rename the file: {name}_step.py",
        place=_place(node, shown),
    )


def _runners_name(node: Import, shown: str) -> SpecError:
    return SpecError.of(
        "TG066",
        f"this imports {DEFAULT_FILE}, a name that in Triton another file has",
        why=f"Triton runs {DEFAULT_FILE} of the version folder",
        fix="rename the imported file",
        place=_place(node, shown),
    )


def _place(node: ast.stmt, shown: str) -> Place:
    return Place(file=shown, line=node.lineno, column=node.col_offset + 1)
