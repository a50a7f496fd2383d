"""PyTorch: TorchScript, AOT Inductor packages, and models whose code Triton runs in Python."""

import ast
import pickletools
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.backends._backend import (
    FLAG,
    NUMBER,
    TEXT,
    Backend,
    Format,
    Problem,
    Section,
    declared,
)
from tritongen.parts.backends._bytes import REMEDIES, describe
from tritongen.parts.backends._unread import placed, unread
from tritongen.records.facts import Inspection
from tritongen.records.messages import ModelConfig

AOTI = "torch_aoti"
INDEXED = re.compile(r"(?:(?!__).)*__[0-9]*")
"""``NAME__0``: what follows the first double underscore is the index."""
CALL_SPEC = {
    "input": re.compile(r"(ARGS|KWARGS)\[.+\]"),
    "output": re.compile(r"RESULT(\[.+\])?"),
}
SAVE = "save it with torch.jit.save(torch.jit.script(model), ...)"
ZIP = "a zip archive (PyTorch saves like this)"


def inspect(file: Path, shown: str) -> Inspection:
    """Return the names of ``forward``'s arguments, read from the archive; no tensor has a type.

    They are ``None`` if an argument is no tensor: then other rules hold for the names.
    """
    looks = describe(file)
    if looks and looks != ZIP:
        raise _not_script(shown, f"is {looks}", REMEDIES.get(looks, SAVE))
    try:
        with zipfile.ZipFile(file) as archive:
            return Inspection(arguments=_arguments(archive, shown))
    except zipfile.BadZipFile as error:
        raise _not_script(shown, f"is not a TorchScript archive: {error}") from error


def _not_script(shown: str, what: str, fix: str = SAVE) -> SpecError:
    return SpecError.of("TG056", f"{shown} {what}", why="libtorch could not load it", fix=fix)


def _arguments(archive: zipfile.ZipFile, shown: str) -> tuple[str, ...] | None:
    names = archive.namelist()
    data = next((name for name in names if name.endswith("/data.pkl")), None)
    code = [name for name in names if "/code/" in name]
    if data is None or not code:
        what = "holds weights without code: a checkpoint, not TorchScript"
        raise _not_script(shown, what)
    module, name = _root_class(archive.read(data))
    path = f"{data.rpartition('/')[0]}/code/{module.replace('.', '/')}.py"
    if path not in code:
        return None
    try:
        tree = ast.parse(archive.read(path))
    except (SyntaxError, ValueError, RecursionError):
        return None
    for definition in tree.body:
        if isinstance(definition, ast.ClassDef) and definition.name == name:
            return _forward(definition)
    return None


def _root_class(pickled: bytes) -> tuple[str, str]:
    """Return module and name of the class that the archive holds; nothing is unpickled."""
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            return module, name
    return "", ""


def _forward(definition: ast.ClassDef) -> tuple[str, ...] | None:
    for method in definition.body:
        if isinstance(method, ast.FunctionDef) and method.name == "forward":
            arguments = method.args.args[1:]
            kinds = {ast.unparse(each.annotation) for each in arguments if each.annotation}
            if kinds <= {"Tensor", "Optional[Tensor]", "List[str]"}:
                return tuple(each.arg for each in arguments)
    return None


def _errors(config: ModelConfig, arguments: tuple[str, ...] | None) -> Iterator[Problem]:
    if config.runtime == "model.py":
        return
    if config.platform == AOTI:
        yield from _call_spec(config)
        return
    if config.sequence_batching.state:
        yield from _unindexed(config)
    if arguments is not None and not config.HasField("sequence_batching"):
        extra = sum(len(each.target_name) for each in config.batch_input)
        if len(config.input) + extra != len(arguments):
            yield Problem(
                section="input",
                name=None,
                message=f"the model's forward() takes {len(arguments)} "
                f"({', '.join(arguments)}), declared are {len(config.input) + extra}",
                fix=f"declare one for each argument: {', '.join(arguments)}",
            )


def _call_spec(config: ModelConfig) -> Iterator[Problem]:
    for section, name, _ in declared(config):
        if not INDEXED.fullmatch(name) and not CALL_SPEC[section].fullmatch(name):
            like = "ARGS[0], KWARGS[name]" if section == "input" else "RESULT, RESULT[0]"
            yield Problem(
                section=section,
                name=name,
                message=f"the {section}s of an AOT Inductor package are called "
                f"{section.upper()}__0 or like its call: {like}",
                fix=f"call it {section.upper()}__0 by its position",
            )


def _unindexed(config: ModelConfig) -> Iterator[Problem]:
    """With implicit state every tensor has to tell its position."""
    for section, name in (
        *((section, name) for section, name, _ in declared(config)),
        *(("input", state.input_name) for state in config.sequence_batching.state),
        *(("output", state.output_name) for state in config.sequence_batching.state),
    ):
        if not INDEXED.fullmatch(name):
            yield Problem(
                section="input" if section == "input" else "output",
                name=name,
                message="with state, libtorch knows tensors by <name>__<index> only",
                fix=f"call it {name}__0 by its position among forward()'s {section}s",
            )


def _doubts(config: ModelConfig, arguments: tuple[str, ...] | None) -> Iterator[Problem]:
    """TorchScript takes names that tell nothing by their order in the configuration."""
    if config.platform == AOTI or config.runtime == "model.py" or config.sequence_batching.state:
        return
    inputs = [tensor.name for tensor in config.input]
    outputs = [tensor.name for tensor in config.output]
    if arguments is None or not set(inputs) <= set(arguments):
        yield from _by_order("input", inputs, "forward()'s arguments")
    yield from _by_order("output", outputs, "what forward() returns")


def _by_order(section: Section, names: list[str], what: str) -> Iterator[Problem]:
    others = [name for name in names if not INDEXED.fullmatch(name)]
    if others and len(names) > 1:
        yield Problem(
            section=section,
            name=others[0],
            message=f"its name does not tell its position, so all {section}s are taken in the "
            f"order of the configuration as {what}",
            fix=f"call them by position: {section.upper()}__0, {section.upper()}__1...",
        )


BACKEND = Backend(
    name="pytorch",
    formats=(
        Format(
            file="model.pt",
            suffixes=(".pt",),
            also=(".pth", ".jit", ".ts", ".torchscript"),
            settings={"platform": "pytorch_libtorch"},
            inspect=inspect,
        ),
        Format(
            file="model.pt2",
            suffixes=(".pt2",),
            settings={"platform": AOTI},
            batches="never",
            inspect=unread,
        ),
        Format(
            file="model.py",
            also=(".py",),
            settings={"runtime": "model.py"},
            inspect=placed,
            compared=False,
        ),
    ),
    completes=False,
    aliases=frozenset({"libtorch"}),
    parameters=dict.fromkeys(
        (
            "DISABLE_OPTIMIZED_EXECUTION",
            "INFERENCE_MODE",
            "DISABLE_CUDNN",
            "ENABLE_WEIGHT_SHARING",
            "ENABLE_CACHE_CLEANING",
            "CACHE_CLEANING_ENABLED",
            "ENABLE_TENSOR_FUSER",
            "ENABLE_JIT_PROFILING",
            "ENABLE_JIT_EXECUTOR",
        ),
        FLAG,
    )
    | {
        "INTER_OP_THREAD_COUNT": NUMBER,
        "INTRA_OP_THREAD_COUNT": NUMBER,
        "NUM_THREADS": NUMBER,
        "NUM_INTEROP_THREADS": NUMBER,
        "ENABLE_NVFUSER": TEXT,
        "MODEL_INIT_LIBRARY": TEXT,
        "TORCH_COMPILE_OPTIONAL_PARAMETERS": TEXT,
    },
    errors=_errors,
    doubts=_doubts,
)
