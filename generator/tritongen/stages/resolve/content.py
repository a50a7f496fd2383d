"""What stands in a model's folder: its own files, and what the spec puts beside them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import PurePosixPath

from tritongen.formats import json
from tritongen.records.facts import Facts, FileFacts, StepFacts
from tritongen.records.finding import Finding, Places, SpecPath
from tritongen.records.messages import ModelConfig
from tritongen.records.paths import REPOSITORY
from tritongen.records.spec import Ensemble, Model
from tritongen.records.tree import Copy, Entry, Text, check_path
from tritongen.stages.resolve import refusals

EMPTY_VERSION = ".gitkeep"
"""Keeps an empty version folder in Git; Triton needs the folder and ignores the file."""

CONFIGURATION = "config.pbtxt"

Piece = tuple[SpecPath, str, Entry]
"""A file of the folder, after the place in the spec that wants it there."""

Content = tuple[dict[str, Entry], list[Finding]]
"""The files of a folder, and those that can't all stand in it."""


def model_content(
    name: str, entry: Model, facts: Facts, config: ModelConfig, places: Places
) -> Content:
    """Return what stands in a model's folder; name its label files in ``config``."""
    if entry.external:
        return {}, []
    path = ("models", name)
    pieces: list[Piece] = [(path, file, made) for file, made in _own_files(name, entry, facts)]
    pieces += _extra_files(path, facts)
    pieces += _label_files(path, facts.labels.get(name, {}), config)
    return _joined(name, pieces, places)


def ensemble_content(name: str, entry: Ensemble, facts: Facts, places: Places) -> Content:
    """Return what stands in an ensemble's folder."""
    path = ("ensembles", name)
    extra = facts.files.get(name, {})
    versions = [f"{version}/" for version in entry.versions]
    empty = [each for each in versions if not any(file.startswith(each) for file in extra)]
    pieces: list[Piece] = [(path, each + EMPTY_VERSION, _text("")) for each in empty]
    return _joined(name, [*pieces, *_extra_files(path, facts)], places)


def copy(file: FileFacts) -> Copy:
    """Return a file that was read, to be placed."""
    return Copy(
        source=file.source, sha256=file.sha256, size_bytes=file.size_bytes, owner=REPOSITORY
    )


def _own_files(name: str, entry: Model, facts: Facts) -> Iterator[tuple[str, Entry]]:
    step = facts.steps.get(name)
    if step is not None:
        yield from _step_files(entry, step)
    for version, model in facts.models.get(name, {}).items():
        for file, where in model.files.items():
            yield f"{version}/{file}", copy(where)
        if not model.files:
            yield f"{version}/{EMPTY_VERSION}", _text("")


def _step_files(entry: Model, step: StepFacts) -> Iterator[tuple[str, Entry]]:
    if step.function is None:
        yield "1/model.py", _text(step.text)
    else:
        runner = files("tritongen.runtime").joinpath("step.py").read_text("utf-8")
        what = {"file": step.file, "function": step.function, "join": entry.join}
        yield "1/model.py", _text(runner)
        yield "1/step.json", _text(json.write(what))
        yield f"1/{step.file}", _text(step.text)
    for file, text in step.modules.items():
        yield f"1/{file}", _text(text)


def _extra_files(path: SpecPath, facts: Facts) -> Iterator[Piece]:
    for file, where in facts.files.get(str(path[1]), {}).items():
        yield (*path, "files", file), file, copy(where)


def _label_files(
    path: SpecPath, labels: Mapping[str, tuple[str, ...]], config: ModelConfig
) -> Iterator[Piece]:
    for number, (output, lines) in enumerate(labels.items()):
        file = "labels.txt" if len(labels) == 1 else f"labels_{number}.txt"
        for tensor in config.output:
            if tensor.name == output:
                tensor.label_filename = tensor.label_filename or file
                file = tensor.label_filename
        yield (*path, "labels", output), file, _text("".join(f"{line}\n" for line in lines))


def _text(text: str) -> Text:
    return Text(text=text, owner=REPOSITORY)


def _joined(name: str, pieces: Iterable[Piece], places: Places) -> Content:
    """Put the pieces together by path; one that has no room of its own is a finding.

    The same bytes may be wanted twice: two outputs can share a file of labels.
    """
    content: dict[str, Entry] = {}
    folders: set[str] = set()
    findings = []
    for path, file, entry in pieces:
        above = [str(folder) for folder in PurePosixPath(file).parents[:-1]]
        taken = [one for one in (file, *above) if one in content or one == CONFIGURATION]
        if not _is_inside(file):
            findings.append(refusals.outside(name, file, places.of(*path)))
        elif file in folders or (taken and not _is_same(content.get(file), entry)):
            findings.append(refusals.taken(name, file, (taken or [file])[0], places.of(*path)))
        else:
            content[file] = entry
            folders.update(above)
    return content, findings


def _is_inside(file: str) -> bool:
    try:
        check_path(file)
    except ValueError:
        return False
    return True


def _is_same(one: Entry | None, other: Entry) -> bool:
    return one is not None and _sha256(one) == _sha256(other)


def _sha256(entry: Entry) -> str:
    if isinstance(entry, Copy):
        return entry.sha256
    return hashlib.sha256(entry.text.encode()).hexdigest()
