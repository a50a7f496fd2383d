"""Text files that commands write beside the build: never half, never over another's by mistake."""

import os
import tempfile
from pathlib import Path

from tritongen.errors import HostError, SpecError


def write_new(path: Path, text: str) -> None:
    """Write a file that must not be there yet.

    Raises:
        SpecError: it exists; it is left as it is.
        HostError: it cannot be written.
    """
    refuse_existing(path)
    replace(path, text)


def refuse_existing(path: Path) -> None:
    """Raise ``SpecError`` if there is anything at a path."""
    if os.path.lexists(path):
        raise SpecError(
            f"{path} is there already, and is left as it is",
            why="a file that you may have written is never overwritten",
            fix="name another file: -o FILE",
        )


def replace(path: Path, text: str) -> None:
    """Write a file in one step, with the rights of the one that it replaces.

    Raises:
        HostError: it cannot be written.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask()
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as new:
            new.write(text.encode())
            new.flush()
            os.fsync(new.fileno())
        Path(new.name).chmod(mode)
        Path(new.name).replace(target)
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
