"""Writes one file of a tree into the staging folder, with exactly the content it promises."""

import fcntl
import hashlib
import os
import stat
import sys
from pathlib import Path

from tritongen.errors import HostError
from tritongen.records.tree import Copy, Entry, Seen, Text
from tritongen.stages.apply.disk import CHUNK_BYTES, see, seen_as

FICLONE = 0x40049409  # linux/fs.h: share the blocks, copy them when either file is written


def stage(entry: Entry, staged: Path) -> Seen:
    """Write ``entry`` to ``staged``, which does not exist yet; return what stands there.

    Raises ``HostError`` if the source of a copy cannot be read, or is not what it was.
    """
    if isinstance(entry, Text):
        return write(entry.text.encode(), staged)
    seen = _place(entry, staged)
    if seen.sha256 != entry.sha256:
        raise HostError(
            f"{entry.source} is not the file that was inspected",
            why=f"its sha256 is {seen.sha256}, not {entry.sha256}: it was written to meanwhile",
            fix="build again once nothing writes to it",
        )
    return seen


def write(content: bytes, staged: Path) -> Seen:
    """Create ``staged`` with ``content``."""
    descriptor = _create(staged)
    try:
        _write_all(descriptor, content)
        return seen_as(os.fstat(descriptor), hashlib.sha256(content).hexdigest())
    finally:
        os.close(descriptor)


def _place(entry: Copy, staged: Path) -> Seen:
    path = Path(entry.source).resolve()
    try:
        source = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise HostError(
            f"cannot read {entry.source}: {error.strerror}", fix="put it back, or build again"
        ) from error
    try:
        if _link(path, source, staged) or _clone(source, staged):
            return see(staged)
        return _copy(source, staged)
    finally:
        os.close(source)


def _link(path: Path, source: int, staged: Path) -> bool:
    """Share a file that nobody may write to; why only those: decision 0004."""
    status = os.fstat(source)
    readable_only = status.st_mode & 0o666 == 0o444
    if not stat.S_ISREG(status.st_mode) or not readable_only:
        return False
    try:
        staged.hardlink_to(path)
    except OSError:
        return False
    return True


def _clone(source: int, staged: Path) -> bool:
    if sys.platform != "linux":
        return False
    descriptor = _create(staged)
    try:
        fcntl.ioctl(descriptor, FICLONE, source)
    except OSError:
        staged.unlink()
        return False
    finally:
        os.close(descriptor)
    return True


def _copy(source: int, staged: Path) -> Seen:
    digest = hashlib.sha256()
    descriptor = _create(staged)
    try:
        while chunk := os.read(source, CHUNK_BYTES):
            digest.update(chunk)
            _write_all(descriptor, chunk)
        return seen_as(os.fstat(descriptor), digest.hexdigest())
    finally:
        os.close(descriptor)


def _create(staged: Path) -> int:
    return os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
