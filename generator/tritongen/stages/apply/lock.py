"""Lets one process at a time write to a folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tritongen.errors import HostError
from tritongen.records.paths import LOCK


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of ``root``; the kernel lets go of it when the process ends, however it ends.

    Raises ``HostError`` with the process id of whoever holds it.
    """
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        _take(descriptor, root)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, root: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        raise HostError(
            f"another tritongen is writing to {root} (process {holder})",
            fix="wait until it is done, then run the command again",
        ) from None
