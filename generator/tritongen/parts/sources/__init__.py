"""Places that bytes come from, by the scheme of their address; a path has none.

A new one is a module with a ``locate`` function and a line in ``TABLE``.
"""

from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.sources import https, path, pkg
from tritongen.parts.sources._search import Place, Progress, Search, shown
from tritongen.records.spec import Source

__all__ = ["TABLE", "Place", "Progress", "Search", "locate", "shown"]

TABLE: dict[str, Place] = {"": path, "https": https, "pkg": pkg}

PLANNED = ("az", "gs", "hf", "models", "s3")


def locate(source: Source, search: Search) -> Path:
    """Return the file or folder behind ``source``, which can be read now.

    Raises ``SpecError`` if there is none, ``HostError`` if this machine can't get it.
    """
    scheme = _scheme(source.path)
    if scheme not in TABLE:
        raise _unknown(scheme, source.path)
    return TABLE[scheme].locate(source, search)


def _scheme(address: str) -> str:
    if address.startswith("models:/"):
        return "models"
    scheme, separator, _ = address.partition("://")
    return scheme.lower() if separator and scheme.isalnum() else ""


def _unknown(scheme: str, address: str) -> SpecError:
    if scheme == "http":
        return SpecError.of(
            "TG051",
            f"{shown(address)} is not encrypted",
            why="whoever sits between could replace the model",
            fix="use its https:// address, or download it yourself and give the path",
        )
    if scheme in PLANNED:
        return SpecError.of(
            "TG051",
            f"{scheme}: sources are not built yet: {shown(address)}",
            fix="download it yourself and give the path, or its https:// address",
        )
    return SpecError.of(
        "TG051",
        f"{scheme}:// is no place that models come from: {shown(address)}",
        fix="give a path, pkg://package/path, or an https:// address",
    )
