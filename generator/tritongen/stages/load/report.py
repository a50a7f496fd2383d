"""Collects what is wrong with a spec, so that all of it is told at once."""

from collections.abc import Iterable
from difflib import get_close_matches

from tritongen.errors import SpecError
from tritongen.records.finding import Finding, Place
from tritongen.stages.load.codes import UNKNOWN_KEY, Code
from tritongen.stages.load.nodes import Entries, quote


class Report:
    """The findings so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, code: Code, place: Place, message: str, *, why: str = "", fix: str = "") -> None:
        """Note an error."""
        self.findings.append(
            Finding(
                code=code.code, severity="error", place=place, message=message, why=why, fix=fix
            )
        )

    def unknown(self, entries: Entries, key: str, owner: str, known: Iterable[str]) -> None:
        """Note that ``owner`` ("a model") has no such key, with the nearest that it has."""
        self.add(
            UNKNOWN_KEY,
            entries.keys[key],
            f"{quote(key)} is not a key of {owner}",
            fix=nearest(key, known),
        )

    def stop_if_any(self) -> None:
        """Raise :class:`SpecError` with all findings, in reading order, if there are any."""
        if self.findings:
            raise SpecError(sorted(self.findings, key=_reading_order))


def _reading_order(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.place
    assert place is not None  # whatever is read was written somewhere
    return place.file, place.line, place.column, finding.message


def nearest(text: str, known: Iterable[str]) -> str:
    """Suggest what was probably meant, or list what there is if that is short."""
    names = sorted(known)
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(text.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{by_lower[close[0]]}`?"
    if len(names) > 14:
        return ""
    return "write one of " + ", ".join(f"`{name}`" for name in names)
