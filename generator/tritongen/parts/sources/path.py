"""A path, relative to the folder of the file that says it."""

import os
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.sources._search import Search
from tritongen.records.finding import did_you_mean
from tritongen.records.spec import Source


def locate(source: Source, search: Search) -> Path:
    """Return the absolute path; ``~`` is the home folder."""
    path = Path(os.path.expanduser(source.path))  # noqa: PTH111 - ~name may be a file
    if not path.is_absolute():
        path = search.base / path
    require(path, source.path)
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def require(path: Path, shown: str) -> None:
    """Raise ``SpecError`` unless ``path`` is a readable file or folder; say what is near it."""
    if path.is_dir() or path.is_file():
        if not os.access(path, os.R_OK):
            raise SpecError.of("TG050", f"{shown} can't be read: permission denied")
        return
    if path.exists():
        raise SpecError.of("TG050", f"{shown} is neither a file nor a folder")
    raise _missing(path, shown)


def _missing(path: Path, shown: str) -> SpecError:
    folder = path.parent
    while not folder.exists():
        path, folder = folder, folder.parent
    if path.is_symlink():
        return SpecError.of("TG050", f"{shown} is a link to {path.readlink()}, which is not there")
    if not folder.is_dir():
        return SpecError.of("TG050", f"{shown} does not exist: {folder} is a file, not a folder")
    hint = did_you_mean(path.name, sorted(entry.name for entry in folder.iterdir()))
    return SpecError.of(
        "TG050",
        f"{shown} does not exist" + (f"; {hint}" if hint else ""),
        why="a relative path starts at the folder of the file that says it",
        fix=f"put the file there, or correct the path (looked for {path})",
    )
