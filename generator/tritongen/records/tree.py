"""What would be written: paths below the output folder, and what that changes there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

SKIPPED = frozenset({"__pycache__", ".git", ".DS_Store"})
"""What programs leave behind; Python models would otherwise carry another machine's bytecode."""

UNENCODABLE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Text:
    """A generated file, whole; UTF-8 without translation of line ends."""

    text: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A file placed from elsewhere (weights): ``source`` can be read now, ``sha256`` is hex."""

    source: str
    sha256: str
    size_bytes: int
    owner: str


Entry = Text | Copy


@dataclass(frozen=True)
class Tree:
    """Relative POSIX path -> entry; no absolute paths, no ``..``, nothing inside a file."""

    entries: Mapping[str, Entry]

    def __post_init__(self) -> None:
        for path in self.entries:
            check_path(path)
        folders = {str(parent) for path in self.entries for parent in PurePosixPath(path).parents}
        for path in sorted(folders & set(self.entries)):
            raise ValueError(f"{path!r} is both a file and a folder")


def check_path(path: str) -> None:
    """Raise ``ValueError`` unless ``path`` is relative, normal, and stays inside its root."""
    pure = PurePosixPath(path)
    if (
        not path
        or pure.is_absolute()
        or ".." in pure.parts
        or str(pure) != path
        or path == "."
        or "\0" in path
        or "\\" in path
        or UNENCODABLE.search(path)
    ):
        raise ValueError(f"{path!r} is not a plain path below the output folder")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A regular file as it stood on disk: what ``lstat`` said, and the SHA-256 (hex) of its bytes.

    The first three tell without reading it that a file is still the one that was hashed.
    """

    size_bytes: int
    mtime_ns: int
    inode: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """What applying a tree does to one path.

    ``conflict``: a generated file was edited by hand, or a file that is not ours is in the way.
    ``entry`` is ``None`` for ``delete``. ``before`` and ``after`` are texts for a diff where both
    sides have one. ``seen`` is the file that stood there when it was compared: whoever applies the
    change touches no other. ``keep`` of a text has none.
    """

    path: str
    action: Literal["create", "update", "delete", "keep", "conflict"]
    entry: Entry | None
    before: str | None = None
    after: str | None = None
    reason: str = ""
    seen: Seen | None = None
