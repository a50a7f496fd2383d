"""The engines: what serves a spec.

Each has a ``start`` of its own, since one needs a wheel and the other Docker; to find what runs and
to stop it they share a protocol.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from tritongen.records.endpoint import Endpoint

Name = Literal["embedded", "compose"]
NAMES: tuple[Name, ...] = ("embedded", "compose")


class Engine(Protocol):
    """An engine on this machine."""

    def find(self, root: Path) -> Endpoint | None:
        """Return what runs for the folder, ``None`` if nothing does."""

    def stop(self, endpoint: Endpoint) -> bool:
        """Stop it after it has answered open requests; return whether it ended by itself."""


def engine(name: Name, environment: Mapping[str, str]) -> Engine:
    """Return an engine by its name; ``environment`` says which Docker."""
    # An engine is imported when it is asked for: starting the other should not wait for it.
    if name == "embedded":
        from tritongen.parts.engines import embedded

        return embedded
    from tritongen.parts.engines import compose

    return compose.Compose(environment)


def find(root: Path, environment: Mapping[str, str], name: Name | None = None) -> Endpoint | None:
    """Return what runs for a folder on the engine of that name, or on any.

    Where no engine is named, one that this machine does not have runs nothing.
    """
    from tritongen.errors import ToolMissingError

    if name is not None:
        return engine(name, environment).find(root)
    for each in NAMES:
        try:
            if found := engine(each, environment).find(root):
                return found
        except ToolMissingError:
            continue
    return None
