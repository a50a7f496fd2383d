"""What the files of a stack are: those that a Triton loaded, and those to go back to."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tritongen.records.manifest import Manifest, Owned, parse_manifest
from tritongen.records.paths import MANIFEST, REPOSITORY, STATE
from tritongen.records.tree import Copy, Entry, Text, Tree

KEPT = f"{STATE}/rollout"
"""The files as they were, while a rollout is under way."""

WHOLE = "manifest.json"
"""Written last: what is set aside is whole."""

SERVED = f"{STATE}/run/served.json"
"""By container: the digest of the model repository that its Triton has loaded."""


def manifest_of(tree: Tree) -> Manifest:
    """Return what the manifest says once a tree is written."""
    return Manifest({path: Owned.of(entry) for path, entry in tree.entries.items()})


def manifest_at(root: Path) -> Manifest:
    """Return the manifest of a folder; an empty one if nothing was built there."""
    try:
        return parse_manifest((root / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        return Manifest()


def digest(manifest: Manifest) -> str:
    """Return what tells one state of the model repository from another."""
    found = hashlib.sha256()
    for path, owned in sorted(manifest.files.items()):
        if path.startswith(f"{REPOSITORY}/"):
            found.update(f"{path}\0{owned.sha256}\0".encode())
    return found.hexdigest()


def changed_models(before: Manifest, after: Manifest) -> tuple[list[str], list[str]]:
    """Return the models that are new or other than before, and those that are gone."""
    old, new = models_of(before), models_of(after)
    return (
        [name for name, files in new.items() if old.get(name) != files],
        [name for name in old if name not in new],
    )


def models_of(manifest: Manifest) -> dict[str, dict[str, str]]:
    """Return the files of each model, with their hashes."""
    found: dict[str, dict[str, str]] = {}
    for path, owned in manifest.files.items():
        folder, _, rest = path.partition("/")
        name, _, file = rest.partition("/")
        if folder == REPOSITORY:
            found.setdefault(name, {})[file] = owned.sha256
    return found


def served(root: Path) -> dict[str, str]:
    """Return which files each container loaded, as far as it was noted."""
    try:
        said = json.loads((root / SERVED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def note_served(root: Path, loaded: Mapping[str, str]) -> None:
    """Note which files each container has loaded; those of others are forgotten."""
    path = root / SERVED
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(loaded, indent=2) + "\n", "utf-8")
    draft.replace(path)


def keep(root: Path) -> Tree:
    """Set the written files aside and return them as a tree that can be written again.

    Large files become a second name of the same bytes: writing replaces names, not bytes. What an
    earlier rollout set aside, that was cut off, is what its replicas serve: it stays.
    """
    folder = root / KEPT
    if not (folder / WHOLE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        manifest = manifest_at(root)
        for path in manifest.files:
            with suppress(FileNotFoundError):
                _link(root / path, folder / path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WHOLE).write_text(manifest.to_text(), "utf-8")
    manifest = parse_manifest((folder / WHOLE).read_text("utf-8"))
    there = {path: owned for path, owned in manifest.files.items() if (folder / path).is_file()}
    return Tree({path: _entry(folder / path, owned) for path, owned in there.items()})


def _link(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path.resolve(strict=True), place)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        shutil.copy2(path, place)  # a file system without links


def _entry(place: Path, owned: Owned) -> Entry:
    if owned.kind == "text":
        return Text(text=place.read_bytes().decode(), owner=owned.owner)
    return Copy(
        source=str(place.absolute()),
        sha256=owned.sha256,
        size_bytes=owned.size_bytes,
        owner=owned.owner,
    )


def forget(root: Path) -> None:
    """Remove what was set aside."""
    shutil.rmtree(root / KEPT, ignore_errors=True)
