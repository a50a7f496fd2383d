"""What a source needs besides its address."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tritongen.records.spec import Source

Progress = Callable[[str, int, int | None], None]
"""Told while something arrives: its name, the bytes so far, and all of them if that is known."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where relative paths start, where downloads are kept, and whether to download at all."""

    base: Path
    downloads: Path
    fetch: bool
    progress: Progress


class Place(Protocol):
    """A kind of place that bytes come from."""

    def locate(self, source: Source, search: Search) -> Path:
        """Return the file or folder that can be read now.

        Raises ``SpecError`` if there is none, ``HostError`` if this machine can't get it, and
        ``OSError`` where a folder on the way can't be read.
        """


def shown(address: str) -> str:
    """Return an address without what may be secret in it: user, password and query."""
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1", address).partition("?")[0]
