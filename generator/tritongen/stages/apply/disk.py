"""What stands below the output folder, looked at without following a link inside it."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from tritongen.records.tree import Seen

CHUNK_BYTES = 1 << 20

Standing = Literal["folder", "missing", "file", "link"]


class Disk:
    """One look at ``root``: folders are remembered, so a path costs one ``lstat``.

    ``leaving`` are files that will be gone, ``known`` what their hash was when they were last read.
    """

    def __init__(
        self,
        root: Path,
        *,
        leaving: Collection[str] = (),
        known: Mapping[str, Seen] | None = None,
    ) -> None:
        self.root = os.fspath(root)
        self._leaving = leaving
        self._known = known or {}
        self._folders: dict[str, tuple[Standing, str]] = {"": ("folder", "")}

    def path(self, path: str) -> str:
        """Return where ``path`` is for the operating system."""
        return f"{self.root}/{path}"

    def lstat(self, path: str) -> os.stat_result | None:
        """Return what stands at ``path``, or ``None`` where nothing does."""
        if self._folder(parent(path))[0] != "folder":
            return None
        return lstat(f"{self.root}/{path}")

    def obstacle(self, path: str) -> str:
        """Say which folder on the way to ``path`` is none, or return an empty string."""
        standing, where = self._folder(parent(path))
        if standing == "link":
            return f"{where} is a symbolic link, and nothing is written through one"
        return f"{where} is a file where a folder has to be" if standing == "file" else ""

    def missing_folders(self, path: str) -> Iterator[str]:
        """Yield the folders above ``path`` that do not exist, innermost first."""
        folder = parent(path)
        while self._folder(folder)[0] != "folder":
            yield folder
            folder = parent(folder)

    def holds_only_leaving(self, folder: str) -> bool:
        """Tell whether ``folder`` will be empty, and not because it is empty already."""
        with os.scandir(f"{self.root}/{folder}") as entries:
            found = [(f"{folder}/{entry.name}", entry) for entry in entries]
        return bool(found) and all(
            self.holds_only_leaving(path)
            if entry.is_dir(follow_symlinks=False)
            else path in self._leaving
            for path, entry in found
        )

    def see(self, path: str, status: os.stat_result) -> Seen:
        """Return the file at ``path`` with its hash; reads it only if ``status`` is not known."""
        known = self._known.get(path)
        if known is not None and is_same(known, status):
            return known
        return see(f"{self.root}/{path}")

    def _folder(self, folder: str) -> tuple[Standing, str]:
        if folder not in self._folders:
            self._folders[folder] = self._look_at(folder)
        return self._folders[folder]

    def _look_at(self, folder: str) -> tuple[Standing, str]:
        above = self._folder(parent(folder))
        if above[0] != "folder":
            return above
        status = lstat(f"{self.root}/{folder}")
        if status is None or folder in self._leaving:
            return "missing", folder
        if stat.S_ISDIR(status.st_mode):
            return "folder", folder
        return ("link" if stat.S_ISLNK(status.st_mode) else "file"), folder


def parent(path: str) -> str:
    """Return the folder of a relative POSIX path; the root is an empty string."""
    return path.rpartition("/")[0]


def parents(path: str) -> Iterator[str]:
    """Yield the folders above ``path``, innermost first, without the root."""
    while path := parent(path):
        yield path


def lstat(path: str | Path) -> os.stat_result | None:
    """Return ``os.lstat``'s answer, or ``None`` where nothing stands."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_same(seen: Seen, status: os.stat_result) -> bool:
    """Tell from size, modification time and inode whether this is still the file that was seen."""
    return (seen.size_bytes, seen.mtime_ns, seen.inode) == (
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
    )


def read(path: str) -> tuple[os.stat_result, bytes]:
    """Return a regular file's status and bytes; never those behind a symbolic link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        content = os.read(descriptor, status.st_size)
        while len(content) < status.st_size and (more := os.read(descriptor, CHUNK_BYTES)):
            content += more
        return status, content
    finally:
        os.close(descriptor)


def see(path: str | Path) -> Seen:
    """Hash a regular file piece by piece; never one behind a symbolic link."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return seen_as(status, digest.hexdigest())


def seen_as(status: os.stat_result, sha256: str) -> Seen:
    """Join what ``lstat`` said and a hash."""
    return Seen(
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        inode=status.st_ino,
        sha256=sha256,
    )
