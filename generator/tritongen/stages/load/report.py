"""Collects what is wrong with a spec, so that all of it is told at once."""

from collections.abc import Iterable
from difflib import get_close_matches

from tritongen.errors import SpecError
from tritongen.records.finding import Edit, Finding, Place, rename
from tritongen.records.scalars import quote
from tritongen.records.spec import Spec
from tritongen.stages.load.codes import MISSING, UNDEFINED, UNKNOWN_KEY, Code
from tritongen.stages.load.nodes import Entries


class Report:
    """The findings so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._misspelled: set[Place] = set()

    def add(
        self,
        code: Code,
        place: Place,
        message: str,
        *,
        why: str = "",
        fix: str = "",
        edit: Edit | None = None,
    ) -> None:
        """Note an error."""
        self.findings.append(
            Finding(
                code=code.code,
                severity="error",
                place=place,
                message=message,
                why=why,
                fix=fix,
                edit=edit,
            )
        )

    def unknown(self, entries: Entries, key: str, owner: str, known: Iterable[str]) -> None:
        """Note that ``owner`` ("a model") has no such key, with the nearest that it has."""
        self._misspelled.add(entries.place)
        self.add(
            UNKNOWN_KEY,
            entries.keys[key],
            f"{quote(key)} is not a key of {owner}",
            fix=nearest(key, known) or "remove it; docs/reference/spec.md lists the keys",
            edit=rename(key, known),
        )

    def missing(self, place: Place, message: str, *, fix: str) -> None:
        """Note a missing key of the mapping at ``place``, unless a misspelled one may be it."""
        if place not in self._misspelled:
            self.add(MISSING, place, message, fix=fix)

    def stop_if_any(self, rest: Spec | None = None) -> None:
        """Raise :class:`SpecError` with all findings, in reading order, if there are any.

        ``rest`` is what could be read in spite of them.
        """
        if self.findings:
            undefined = {_place(found) for found in self.findings if found.code == UNDEFINED.code}
            judged = [  # what an undefined ${NAME} would have been cannot be wrong as well
                found
                for found in self.findings
                if found.code == UNDEFINED.code or _place(found) not in undefined
            ]
            refusal = SpecError(sorted(judged, key=lambda found: (_place(found), found.message)))
            refusal.rest = rest
            raise refusal


def _place(finding: Finding) -> Place:
    assert finding.place is not None  # whatever is read was written somewhere
    return finding.place


def nearest(text: str, known: Iterable[str]) -> str:
    """Suggest what was probably meant, or list what there is if that is short."""
    names = sorted(known)
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(text.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{by_lower[close[0]]}`?"
    if len(names) > 16:
        return ""
    return "write one of " + ", ".join(f"`{name}`" for name in names)
