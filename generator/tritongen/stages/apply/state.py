"""Reads and writes what tritongen remembers in ``.tritongen/``: the manifest and the file cache."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tritongen.errors import HostError, SpecError
from tritongen.records.manifest import Manifest, Owned, parse_manifest
from tritongen.records.paths import MANIFEST, PLACED, STATE
from tritongen.records.tree import Change, Copy, Entry, Seen, Text, Tree
from tritongen.stages.apply.disk import Disk, lstat, read, see

MANIFEST_FIX = (
    f"restore {MANIFEST} from version control, or delete it: files that are as the spec gives "
    "them become tritongen's again, and any other that is in the way is named, never overwritten"
)


def check_root(root: Path) -> None:
    """Raise ``HostError`` unless ``root`` is a folder, or can become one."""
    if root.exists() and not root.is_dir():
        raise HostError(
            f"{root} is a file, and the output has to be a folder", fix="choose another with -o"
        )
    if (root / STATE).is_symlink() or ((root / STATE).exists() and not (root / STATE).is_dir()):
        raise HostError(
            f"{root / STATE} is not a folder of its own",
            why="tritongen stages its files there, and writes through no link",
            fix=f"remove {root / STATE}",
        )


def read_manifest(root: Path) -> Manifest:
    """Return the manifest of ``root``, an empty one if there is none.

    Raises ``SpecError`` if it is not one that tritongen can have written.
    """
    path = root / MANIFEST
    status = lstat(path)
    if status is None:
        return Manifest()
    try:
        if path.is_symlink() or not path.is_file():
            raise ValueError("it is not a regular file")
        return parse_manifest(read(os.fspath(path))[1].decode())
    except ValueError as error:
        raise SpecError(f"{path} cannot be used: {error}", fix=MANIFEST_FIX) from error


def next_manifest(old: Manifest, changes: Sequence[Change], root: Path, tree: Tree) -> Manifest:
    """Return the manifest of ``root`` once ``changes`` are applied.

    A file that is no longer in the tree leaves it when it is deleted or gone; one that another
    tritongen wrote since ``changes`` were made stays, for the next build to judge.
    """
    disk = Disk(root)
    deleted = {change.path for change in changes if change.action == "delete"}
    files = {
        path: owned
        for path, owned in old.files.items()
        if path not in tree.entries and path not in deleted and disk.lstat(path) is not None
    }
    for path, entry in tree.entries.items():
        if not is_own_source(entry, root / path, disk.lstat(path)):
            files[path] = Owned.of(entry)
    return Manifest(files)


def manifest_change(changes: Sequence[Change], root: Path, tree: Tree) -> Change | None:
    """Return the change of the manifest itself, ``None`` if it stays as it is."""
    text = next_manifest(read_manifest(root), changes, root, tree).to_text()
    path = root / MANIFEST
    entry = Text(text=text, owner="manifest")
    if lstat(path) is None:
        return Change(path=MANIFEST, action="create", entry=entry, after=text)
    before = read(os.fspath(path))[1].decode()
    if before == text:
        return None
    return Change(
        path=MANIFEST, action="update", entry=entry, before=before, after=text, seen=see(path)
    )


def is_own_source(entry: Entry, path: Path, status: os.stat_result | None) -> bool:
    """Tell whether a file is to be placed where it stands already: then it is the user's."""
    if not isinstance(entry, Copy) or status is None:
        return False
    source = lstat(entry.source)
    return (
        source is not None
        and (source.st_ino, source.st_dev) == (status.st_ino, status.st_dev)
        and Path(entry.source).resolve() == path.resolve()
    )


def read_placed(root: Path) -> dict[str, Seen]:
    """Return what the placed files were when they were last hashed; empty if unreadable."""
    try:
        raw = json.loads((root / PLACED).read_bytes())
        return {
            path: Seen(size_bytes=size, mtime_ns=mtime, inode=inode, sha256=sha256)
            for path, (size, mtime, inode, sha256) in raw.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember_placed(root: Path, placed: Mapping[str, Seen]) -> None:
    """Write the cache if it changed; a folder that cannot be written to only makes us slower."""
    if placed == read_placed(root):
        return
    lines = {
        path: [seen.size_bytes, seen.mtime_ns, seen.inode, seen.sha256]
        for path, seen in sorted(placed.items())
    }
    path = root / PLACED
    new = path.with_suffix(".new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(lines, indent=0), encoding="utf-8")
        new.replace(path)
