"""Holds what a spec builds against what was read."""

import hashlib
from collections.abc import Iterator, Mapping

from tritongen.formats import pbtxt
from tritongen.records.messages import ModelConfig
from tritongen.records.paths import REPOSITORY
from tritongen.records.tree import Copy, Entry, Tree
from tritongen.stages.adopt.form import Difference
from tritongen.stages.adopt.repository import CONFIG, EMPTY_VERSION, Folder


def by_model(tree: Tree) -> dict[str, dict[str, Entry]]:
    """Return the files of a built repository by model and path in its folder."""
    models: dict[str, dict[str, Entry]] = {}
    for path, entry in tree.entries.items():
        name, _, file = path.removeprefix(f"{REPOSITORY}/").partition("/")
        models.setdefault(name, {})[file] = entry
    return models


def difference(folder: Folder, files: Mapping[str, Entry]) -> Difference:
    """Return how a built model differs from the one that was read; empty if in nothing."""
    built = dict(files)
    config = built.pop(CONFIG, None)
    if config is None or isinstance(config, Copy):
        return Difference(fields=frozenset({"name"}))
    fields, empty = _fields(folder, config.text)
    kept = {f"{version}/{EMPTY_VERSION}" for version in folder.empty_versions}
    extra = built.keys() - folder.files.keys() - kept
    return Difference(
        fields=fields,
        empty=empty,
        missing=frozenset(folder.files.keys() - built.keys() - kept),
        changed=frozenset(extra) | frozenset(_changed(folder, built)),
    )


def _fields(folder: Folder, text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Compare a configuration with its text as it was built; return different and empty fields."""
    named = ModelConfig()
    named.CopyFrom(folder.config)
    named.name = folder.name
    if pbtxt.write(named) == text:  # five times faster than to read it
        return frozenset(), frozenset()
    built = pbtxt.read(text)
    built.ClearField("name")
    if built == folder.config:
        return frozenset(), frozenset()
    was = {field.name: str(value) for field, value in folder.config.ListFields()}
    now = {field.name: str(value) for field, value in built.ListFields()}
    different = {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}
    return frozenset(different or {"name"}), frozenset(different - now.keys())


def _changed(folder: Folder, built: Mapping[str, Entry]) -> Iterator[str]:
    for file in built.keys() & folder.files.keys():
        entry, path = built[file], folder.files[file]
        if isinstance(entry, Copy):
            if entry.source != str(path) and entry.sha256 != _sha256(path.read_bytes()):
                yield file
        elif entry.text.encode() != path.read_bytes():
            yield file


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
