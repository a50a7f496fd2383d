"""All files below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.records.tree import SKIPPED


def walk(folder: Path, shown: str) -> Iterator[tuple[str, Path]]:
    """Yield each file's path relative to ``folder`` and where it is, in order; links are followed.

    Raises ``SpecError`` for what is no file (a socket, a device) and for links in a circle.
    """
    yield from _walk(folder, "", (os.path.realpath(folder),), shown)


def _walk(
    folder: Path, prefix: str, above: tuple[str, ...], shown: str
) -> Iterator[tuple[str, Path]]:
    for entry in sorted(folder.iterdir()):
        name = f"{prefix}{entry.name}"
        if entry.name in SKIPPED:
            continue
        if entry.is_dir():
            real = os.path.realpath(entry)
            if real in above:
                raise SpecError.of("TG060", f"{shown}/{name} is a link to a folder above it")
            yield from _walk(entry, f"{name}/", (*above, real), shown)
        elif entry.is_file():
            yield name, entry
        else:
            what = "a broken link" if entry.is_symlink() else "neither a file nor a folder"
            raise SpecError.of("TG060", f"{shown}/{name} is {what}", fix="remove it")
