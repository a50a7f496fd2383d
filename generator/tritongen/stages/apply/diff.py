"""Compares a tree with what stands in the user's folder; reads only."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.records.manifest import Manifest, Owned
from tritongen.records.paths import is_reserved
from tritongen.records.tree import Change, Entry, Seen, Text, Tree
from tritongen.stages.apply.disk import Disk, read, seen_as
from tritongen.stages.apply.refusal import refusing
from tritongen.stages.apply.state import check_root, read_manifest, read_placed

EDITED = "edited by hand since it was written"
NOT_OURS = "a file that tritongen did not write stands here"
ADOPTED = "the same file stood here already"


def diff(tree: Tree, root: Path, *, force: bool = False) -> tuple[Change, ...]:
    """Return what writing ``tree`` changes below ``root``, one change per path, sorted.

    Only files that the manifest says are ours are updated or deleted, and only while they are as
    they were written; ``force`` gives up what was edited in those, and nothing else.

    Raises ``SpecError`` for a manifest that cannot be trusted, ``HostError`` where ``root`` is not
    a folder or cannot be read.
    """
    for path in filter(is_reserved, tree.entries):
        raise SpecError(f"{path} cannot be generated: tritongen keeps its own state there")
    with refusing(root):
        check_root(root)
        comparison = _Comparison(tree, root, force=force)
        return tuple(sorted(comparison.changes(), key=lambda change: change.path))


class _Comparison:
    def __init__(self, tree: Tree, root: Path, *, force: bool) -> None:
        self._tree = tree
        self._root = root
        self._force = force
        self._manifest: Manifest = read_manifest(root)
        self._disk = Disk(root)

    def changes(self) -> Iterator[Change]:
        departures = [
            change
            for path, owned in self._manifest.files.items()
            if path not in self._tree.entries and (change := self._departure(path, owned))
        ]
        yield from departures
        leaving = {change.path for change in departures if change.action == "delete"}
        self._disk = Disk(self._root, leaving=leaving, known=read_placed(self._root))
        for path, entry in self._tree.entries.items():
            yield self._arrival(path, entry)

    def _departure(self, path: str, owned: Owned) -> Change | None:
        status = self._disk.lstat(path)
        if status is None or not stat.S_ISREG(status.st_mode):
            return None
        seen, before = self._look(path, status, is_text=owned.kind == "text")
        if seen.sha256 == owned.sha256 or self._force:
            return Change(path=path, action="delete", entry=None, before=before, seen=seen)
        reason = f"{EDITED}, and no longer in the spec"
        return Change(
            path=path, action="conflict", entry=None, before=before, reason=reason, seen=seen
        )

    def _arrival(self, path: str, entry: Entry) -> Change:
        after = entry.text if isinstance(entry, Text) else None
        if obstacle := self._disk.obstacle(path):
            return Change(path=path, action="conflict", entry=entry, after=after, reason=obstacle)
        status = self._disk.lstat(path)
        if status is None:
            return Change(path=path, action="create", entry=entry, after=after)
        if stat.S_ISREG(status.st_mode):
            return self._meeting(path, entry, status)
        if stat.S_ISDIR(status.st_mode):
            if self._disk.holds_only_leaving(path):
                return Change(path=path, action="create", entry=entry, after=after)
            reason = "a folder stands where the file has to be"
        else:
            reason = "a symbolic link or a device stands where the file has to be"
        return Change(path=path, action="conflict", entry=entry, after=after, reason=reason)

    def _meeting(self, path: str, entry: Entry, status: os.stat_result) -> Change:
        """Compare an entry with the regular file that stands in its place."""
        owned = self._manifest.files.get(path)
        adopted = "" if owned else ADOPTED
        before: str | None = None
        after: str | None = None
        if isinstance(entry, Text):
            content = entry.text.encode()
            if status.st_size == len(content) and read(self._disk.path(path))[1] == content:
                return Change(path=path, action="keep", entry=entry, reason=adopted)
            after = entry.text
            seen, before = self._look(path, status, is_text=True)
        else:
            seen = self._disk.see(path, status)
            if seen.sha256 == entry.sha256:
                return Change(path=path, action="keep", entry=entry, reason=adopted, seen=seen)
        reason = self._quarrel(owned, seen)
        return Change(
            path=path,
            action="conflict" if reason else "update",
            entry=entry,
            before=before,
            after=after,
            reason=reason,
            seen=seen,
        )

    def _quarrel(self, owned: Owned | None, seen: Seen) -> str:
        """Say why a file with other content must not be replaced, or return an empty string."""
        if owned is None:
            return NOT_OURS
        return "" if self._force or seen.sha256 == owned.sha256 else EDITED

    def _look(self, path: str, status: os.stat_result, *, is_text: bool) -> tuple[Seen, str | None]:
        if not is_text:
            return self._disk.see(path, status), None
        status, content = read(self._disk.path(path))
        seen = seen_as(status, hashlib.sha256(content).hexdigest())
        try:
            return seen, content.decode()
        except UnicodeDecodeError:
            return seen, None
