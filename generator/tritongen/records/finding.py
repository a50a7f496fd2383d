"""What is wrong or unwise in the user's input, and where it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Severity = Literal["error", "warning", "note"]
SpecPath = tuple[str | int, ...]
"""Where a value stands in the spec: ``("models", "head", "input", 0)``."""


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """A position in a file, as the user named it; line and column start at 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Places:
    """Where each value of the spec was written."""

    by_path: Mapping[SpecPath, Place] = field(default_factory=dict)

    def of(self, *path: str | int) -> Place | None:
        """Return the place of a value, or of the nearest thing around it that was written."""
        while path not in self.by_path and path:
            path = path[:-1]
        return self.by_path.get(path)

    def shared(self, path: SpecPath) -> bool:
        """Tell whether what stands at ``path`` was written for another entry, too: an anchor."""
        return len(self._entries[self.by_path[path]]) > 1

    @cached_property
    def _entries(self) -> Mapping[Place, set[SpecPath]]:
        entries: dict[Place, set[SpecPath]] = {}
        for path, place in self.by_path.items():
            entries.setdefault(place, set()).add(path[:2])
        return entries


@dataclass(frozen=True)
class Edit:
    """The one right answer to a finding, at the finding's place: ``tritongen check --fix``.

    The scalar ``old`` there is renamed to ``new``; without ``new``, the entry or the item of a
    list that starts with it is removed.
    """

    old: str
    new: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to tell the user: what was found, why it matters, one remedy.

    ``code`` is a lint's (``TG204``) or a reading error's (``TG0xx``); its page is in
    ``docs/reference/findings.md``. An error means that Triton would refuse, hang or answer wrongly.
    """

    code: str
    severity: Severity
    place: Place | None
    message: str
    why: str = ""
    fix: str = ""
    edit: Edit | None = None


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """What a lint says of the value at ``path``; ``check`` adds code, severity and place.

    ``edit`` is for where there is exactly one right answer.
    """

    path: SpecPath
    message: str
    why: str
    fix: str
    edit: Edit | None = None


def only_near(word: str, words: Iterable[str]) -> str | None:
    """Return what ``word`` must have meant: the one near it, or the much nearer of two."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(words), n=2, cutoff=0.6)
    much_nearer = len(near) == 2 and bool(get_close_matches(word, near[:1], cutoff=0.85))
    return near[0] if len(near) == 1 or much_nearer else None


def rename(word: str, words: Iterable[str]) -> Edit | None:
    """Return the edit from ``word`` to what it must have meant, if that is plain."""
    meant = only_near(word, words)
    return Edit(word, meant) if meant else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest of ``words``, or the empty string."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""
