"""Files that nothing here can read: they are placed as they are, unless they are plainly wrong."""

from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.backends._bytes import REMEDIES, describe
from tritongen.records.facts import Inspection


def unread(file: Path, shown: str) -> Inspection:
    """Refuse what no backend loads: nothing at all, a Git LFS pointer, an HTML page."""
    looks = describe(file)
    if looks == "empty" or looks in REMEDIES:
        fix = REMEDIES.get(looks, "give the model file")
        raise SpecError.of("TG056", f"{shown} is {looks}", why="no backend could load it", fix=fix)
    return Inspection()


def placed(file: Path, shown: str) -> Inspection:
    """Take a file as it is, whatever it holds."""
    del file, shown
    return Inspection()
