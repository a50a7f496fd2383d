"""Says what an operating system error means for the person whose folder it is."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from tritongen.errors import HostError

DENIED = (
    "no permission for {place}",
    "",
    "make it yours (chown, chmod), or build elsewhere with -o",
)
FULL = (
    "disk full: needs {needs}, {free} free at {root}",
    "nothing was changed",
    "free some space, or build elsewhere with -o",
)
MEANINGS = {
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: (
        "a file is larger than this process may write at {root}",
        "nothing was changed",
        "raise the limit (ulimit -f), or build on another file system with -o",
    ),
    errno.EROFS: ("{root} is on a read-only file system", "", "build elsewhere with -o"),
    errno.ENAMETOOLONG: (
        "the path is too long for this file system: {place}",
        "",
        "use shorter names, or a shorter output folder",
    ),
    errno.EXDEV: (
        "{place} is on another file system than {root}",
        "files are written beside it and renamed, which cannot cross file systems",
        "unmount it, or build the whole folder there with -o",
    ),
}
OTHER = ("cannot use {place}: {problem}", "", "build elsewhere with -o")


@contextlib.contextmanager
def refusing(root: Path, *, needs_bytes: int = 0) -> Iterator[None]:
    """Turn an ``OSError`` inside into a ``HostError``; ``needs_bytes`` is what had to fit."""
    try:
        yield
    except OSError as error:
        raise _refusal(error, root, needs_bytes) from error


def _refusal(error: OSError, root: Path, needs_bytes: int) -> HostError:
    message, why, fix = MEANINGS.get(error.errno or 0, OTHER)
    named = {
        "place": error.filename2 or error.filename or root,
        "problem": error.strerror or str(error),
        "root": root,
        "needs": _shown(needs_bytes),
        "free": _shown(_free_bytes(root)),
    }
    return HostError(message.format_map(named), why=why, fix=fix)


def _shown(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"


def _free_bytes(root: Path) -> int:
    while not root.exists():
        root = root.parent
    return shutil.disk_usage(root).free
