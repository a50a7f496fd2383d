"""``file.py:function`` becomes what the file says about the function, which is never run."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tritongen.errors import SpecError
from tritongen.parts.backends.python import DEFAULT_FILE, bound, definitions, parse, require_model
from tritongen.parts.sources.path import require
from tritongen.records.facts import ParameterFacts, StepFacts
from tritongen.records.finding import Place, did_you_mean
from tritongen.stages.probe.modules import local_modules

Function = ast.FunctionDef | ast.AsyncFunctionDef
Kind = Literal["function", "generator", "async", "async generator"]

RUNNER = DEFAULT_FILE
"""The file that Triton runs; around a plain step it is ours."""


def read_step(reference: str, base: Path, python: str | None) -> StepFacts:
    """Return what the Python file of a step says.

    ``base`` is the folder where its path starts, ``python`` the version (``3.10``) that runs it.
    Raises ``SpecError`` with a place in the Python file where there is one.
    """
    path, _, function = reference.partition(":")
    file = base / path
    shown = str(file)
    require(file, path)
    if file.is_dir():
        raise SpecError.of("TG050", f"{path} is a folder, not a Python file")
    version = _version(python)
    text, tree = parse(file, shown, version)
    modules = local_modules(file, shown, tree, version)
    if not function:
        require_model(tree, shown)
        return StepFacts(file=RUNNER, text=text, function=None, kind="class", modules=modules)
    found = _find(function, tree, shown)
    _require_by_name(found, shown)
    return StepFacts(
        file=_placed(file.name, modules),
        text=text,
        function=function,
        kind=_kind(found, text),
        parameters=tuple(_parameters(found.args)),
        takes_any=found.args.kwarg is not None,
        modules=modules,
    )


def _version(python: str | None) -> tuple[int, int] | None:
    if python is None:
        return None
    major, minor = python.split(".")
    return int(major), int(minor)


def _find(name: str, tree: ast.Module, shown: str) -> Function:
    """Return the definition that counts: the last one."""
    top = list(definitions(tree))
    found = [definition for definition in top if definition.name == name]
    if not found:
        raise _no_function(name, tree, shown)
    last = found[-1]
    if isinstance(last, ast.ClassDef):
        raise SpecError.of(
            "TG063",
            f"{name} is a class; a step is a function",
            fix=f"write a function that uses it: def {name.lower()}_step(...)",
            place=_place(last, shown),
        )
    return last


def _no_function(name: str, tree: ast.Module, shown: str) -> SpecError:
    functions = [found.name for found in definitions(tree) if isinstance(found, Function)]
    inner = [node for node in ast.walk(tree) if isinstance(node, Function) and node.name == name]
    if name in bound(tree.body):
        return SpecError.of(
            "TG063",
            f"{name} is not defined in {shown}, but imported or assigned there",
            why="parameters are read without running the file",
            fix=f"name the file that has `def {name}`, or write a function around it here",
        )
    if inner:
        return SpecError.of(
            "TG063",
            f"{name} is defined inside a class or another function",
            why="a step is a function at the top level of its file",
            fix="move it to the top level",
            place=_place(inner[0], shown),
        )
    hint = did_you_mean(name, functions)
    there = f"it has {', '.join(functions)}" if functions else "it has no function"
    return SpecError.of(
        "TG062",
        f"{shown} has no function {name!r}; {hint or there}",
        fix=f"name one of its functions: {', '.join(functions)}"
        if functions
        else f"write def {name}(...)",
    )


def _require_by_name(function: Function, shown: str) -> None:
    arguments = function.args
    if arguments.posonlyargs:
        names = ", ".join(argument.arg for argument in arguments.posonlyargs)
        raise SpecError.of(
            "TG064",
            f"{function.name} takes {names} by position only",
            why="the inputs of a step are handed in by name",
            fix="remove the / from its parameters",
            place=_place(arguments.posonlyargs[0], shown),
        )
    if arguments.vararg is not None:
        raise SpecError.of(
            "TG064",
            f"{function.name} takes *{arguments.vararg.arg}",
            why="the inputs of a step are handed in by name",
            fix=f"name them, or write **{arguments.vararg.arg}",
            place=_place(arguments.vararg, shown),
        )


def _parameters(arguments: ast.arguments) -> Iterator[ParameterFacts]:
    without = len(arguments.args) - len(arguments.defaults)
    for number, argument in enumerate(arguments.args):
        yield ParameterFacts(name=argument.arg, required=number < without)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield ParameterFacts(name=argument.arg, required=default is None, keyword_only=True)


def _kind(function: Function, text: str) -> Kind:
    # Most files have no such word, and then there is no need to look at every expression.
    yields = "yield" in text and any(
        isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function.body)
    )
    if isinstance(function, ast.AsyncFunctionDef):
        return "async generator" if yields else "async"
    return "generator" if yields else "function"


def _own(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of a body without those of functions and classes inside it."""
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _placed(name: str, modules: dict[str, str]) -> str:
    """Return the step's name beside the runner, whose own name it can't have."""
    if name != RUNNER:
        return name
    name = f"step_{RUNNER}"
    while name in modules:
        name = f"step_{name}"
    return name


def _place(node: ast.stmt | ast.arg, shown: str) -> Place:
    return Place(file=shown, line=node.lineno, column=node.col_offset + 1)
