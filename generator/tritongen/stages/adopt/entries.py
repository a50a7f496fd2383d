"""A model in one of its forms becomes an entry of the spec."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tritongen.formats.yaml import Block, Value
from tritongen.records.messages import ModelConfig
from tritongen.stages.adopt.fields import say_field, say_names, say_tensors
from tritongen.stages.adopt.form import Form
from tritongen.stages.adopt.pyfiles import called_models, plain_step
from tritongen.stages.adopt.repository import Folder
from tritongen.stages.adopt.steps import say_steps

FIELDS = ModelConfig.DESCRIPTOR.fields_by_name
FIRST = (
    "platform", "backend", "runtime", "default_model_filename", "input", "output",
    "max_batch_size", "dynamic_batching", "sequence_batching",
)  # fmt: skip
ORDER = (*FIRST, *sorted(set(FIELDS) - {*FIRST, "name"}))
EMPTY: Mapping[str, Value] = {"max_batch_size": "0", "input": [], "output": []}
"""What is said where nothing is there, and something would be filled in."""

Members = Mapping[str, ModelConfig]


def address(path: Path, base: Path) -> str:
    """Return a path as a spec in the folder ``base`` says it: relative to that folder."""
    absolute, at = os.path.abspath(path), os.path.abspath(base)  # noqa: PTH100 - links are kept
    # `..` behind a linked folder is read in two ways, so paths through one start at the root.
    said = os.path.relpath(absolute, at) if os.path.realpath(at) == at else absolute
    return f"./{said}" if said == "none" or said.startswith("~") or "://" in said else said


def ensemble_entry(
    folder: Folder, form: Form, base: Path, members: Members, allow: Mapping[str, str]
) -> Block:
    """Return an entry of ``ensembles:``. Raises ``UnsayableError``."""
    config = ModelConfig()
    config.CopyFrom(folder.config)
    values: dict[str, Value] = {"steps": say_steps(config, members)}
    if folder.versions != (1,):
        values["versions"] = [str(version) for version in folder.versions]
    kept = {f"{version}/.gitkeep" for version in folder.empty_versions}
    values |= _files(folder, [file for file in folder.files if file not in kept], base)
    for field, value in config.ensemble_scheduling.ListFields():
        if field.name != "step":
            values[field.name] = say_field(field, value)
    config.ClearField("ensemble_scheduling")
    config.ClearField("platform")
    return Block(values | _fields(config, form) | _allowed(allow))


def model_entry(
    folder: Folder, form: Form, base: Path, members: Members, allow: Mapping[str, str]
) -> Value:
    """Return an entry of ``models:``, a source alone as text. Raises ``UnsayableError``."""
    config = ModelConfig()
    config.CopyFrom(folder.config)
    comments: dict[str, str] = {}
    values = _origin(folder, form, base, comments)
    if form.labels:
        labelled = [tensor for tensor in config.output if tensor.label_filename]
        values["labels"] = {
            tensor.name: address(folder.path / tensor.label_filename, base) for tensor in labelled
        }
        for number, tensor in enumerate(labelled):
            usual = "labels.txt" if len(labelled) == 1 else f"labels_{number}.txt"
            if tensor.label_filename == usual:
                tensor.label_filename = ""
    values |= _fields(config, form)
    if calls := called_models(folder, members):
        values["calls"] = list(calls)
    if not form.complete:
        values["complete"] = "false"
        comments["complete"] = _why_incomplete(folder)
    values |= _allowed(allow)
    return values["source"] if list(values) == ["source"] else Block(values, comments)


def _origin(folder: Folder, form: Form, base: Path, comments: dict[str, str]) -> dict[str, Value]:
    """Say where a model's bytes come from, and the files beside them."""
    if form.origin == "files":
        comments["versions"] = f"placed unread: {form.why}" if form.why else "placed unread"
        kept = {str(version) for version in folder.empty_versions}
        others = [file for file in folder.files if file.partition("/")[0] not in kept]
        versions = dict.fromkeys((str(version) for version in folder.empty_versions), "none")
        return {"versions": versions, **_files(folder, others, base)}
    others = [file for file in folder.files if not _comes_along(file, folder, form)]
    return _placed(folder, form, base, comments) | _files(folder, others, base)


def _placed(folder: Folder, form: Form, base: Path, comments: dict[str, str]) -> dict[str, Value]:
    step = plain_step(folder) if form.origin == "step" else None
    if step is not None:
        called = f"{address(folder.path / '1' / step.file, base)}:{step.function}"
        return {"python": called} if step.join else {"python": called, "join": "false"}
    if form.origin == "python":
        return {"python": address(folder.path / "1/model.py", base)}
    if not folder.versions:
        comments["versions"] = "it has no version folder, so Triton does not load it"
        return {"versions": {}}
    sources = {str(version): _version(folder, version, form, base) for version in folder.versions}
    return {"source": sources["1"]} if list(sources) == ["1"] else {"versions": sources}


def _version(folder: Folder, version: int, form: Form, base: Path) -> str:
    if version in folder.empty_versions:
        return "none"
    where = folder.path / str(version)
    if form.origin == "file":
        where /= next(iter(folder.below(str(version))))
    return address(where, base)


def _comes_along(file: str, folder: Folder, form: Form) -> bool:
    """Tell whether a file comes with its version's source, or with ``labels:``."""
    if file in form.added:
        return False
    if form.labels and any(file == tensor.label_filename for tensor in folder.config.output):
        return True
    top, slash, _ = file.partition("/")
    return bool(slash) and top in map(str, folder.versions)


def _files(folder: Folder, others: list[str], base: Path) -> dict[str, Value]:
    """Say files of the model's folder, whole folders by one line."""
    said: dict[str, Value] = {}
    for file in others:
        top, slash, _ = file.partition("/")
        every = {f"{top}/{inner}" for inner in folder.below(top)} if slash else set()
        path = top if slash and top in folder.whole and every <= set(others) else file
        said[path] = address(folder.path / path, base)
    return {"files": said} if said else {}


def _fields(config: ModelConfig, form: Form) -> dict[str, Value]:
    """Say the fields of Triton's that the form has, in the order people read them."""
    values: dict[str, Value] = {}
    there: dict[str, Any] = {field.name: value for field, value in config.ListFields()}
    for name in ORDER:
        detail = form.detail(name)
        if name in there and detail == "names":
            values[name] = say_names(there[name])
        elif name in there and detail == "whole":
            is_tensors = name in ("input", "output")
            value = there[name]
            values[name] = say_tensors(value) if is_tensors else say_field(FIELDS[name], value)
        elif name in form.said and name in EMPTY and form.origin != "files":
            values[name] = EMPTY[name]
    return values


def _why_incomplete(folder: Folder) -> str:
    config = folder.config
    if not folder.has_config:
        return "it has no config.pbtxt: Triton completes it"
    if not config.backend and not config.platform:
        return "its config.pbtxt names no backend: Triton tells it from the files"
    if not config.input or not config.output:
        return "its config.pbtxt leaves tensors to Triton"
    return "filled in, it would not be the same"


def _allowed(allow: Mapping[str, str]) -> dict[str, Value]:
    return {"allow": Block(dict(sorted(allow.items())))} if allow else {}
