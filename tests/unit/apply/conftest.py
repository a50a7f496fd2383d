import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tritongen.records.paths import MANIFEST, STATE
from tritongen.records.tree import Change, Copy, Text, Tree
from tritongen.stages.apply import apply, diff


class Folder:
    """A user's folder, and what a person does to it."""

    def __init__(self, root: Path, sources: Path) -> None:
        self.root = root
        self.sources = sources

    def copy(self, name: str, content: bytes) -> Copy:
        source = self.sources / name
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return Copy(source=str(source), sha256=digest, size_bytes=len(content), owner="models.m")

    def tree(self, entries: Mapping[str, str | Copy]) -> Tree:
        return Tree(
            {
                path: Text(text=entry, owner="models.m") if isinstance(entry, str) else entry
                for path, entry in entries.items()
            }
        )

    def diff(self, entries: Mapping[str, str | Copy], *, force: bool = False) -> tuple[Change, ...]:
        return diff(self.tree(entries), self.root, force=force)

    def build(self, entries: Mapping[str, str | Copy], *, force: bool = False) -> bool:
        return apply(self.diff(entries, force=force), self.root, self.tree(entries))

    def write(self, path: str, content: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content)

    def actions(self, entries: Mapping[str, str | Copy], *, force: bool = False) -> dict[str, str]:
        return {change.path: change.action for change in self.diff(entries, force=force)}

    def files(self) -> dict[str, bytes | str | None]:
        """Everything below the root that belongs to the project: files, links, folders."""
        found: dict[str, bytes | str | None] = {}
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if name == MANIFEST or not name.startswith(STATE):
                found[name] = (
                    str(path.readlink())
                    if path.is_symlink()
                    else path.read_bytes()
                    if path.is_file()
                    else None
                )
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "out", tmp_path / "sources")
