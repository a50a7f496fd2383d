"""An existing model repository becomes a spec that builds it back: the same, or it is said."""

from pathlib import Path

from tritongen.stages.adopt.repository import read_repository
from tritongen.stages.adopt.search import Adopted, Rebuild, Rebuilt, Search

__all__ = ["Adopted", "Rebuild", "Rebuilt", "adopt"]


def adopt(path: Path, base: Path, rebuild: Rebuild) -> Adopted:
    """Return a spec in the folder ``base`` that builds the repository at ``path`` back.

    Each model is said as shortly as possible and built back; where something differs, it is said
    in a longer form. ``rebuild`` is asked with specs as if they stood in ``base``.
    Raises ``SpecError`` if nothing in the repository can be imported.
    """
    search = Search(read_repository(path), base, rebuild)
    search.run()
    return search.finish()
