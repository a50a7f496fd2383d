"""The whole spec as text, and which entry stands at which line."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tritongen.formats.yaml import entry


@dataclass
class Document:
    """The text of a spec; ``starts`` has the first line and the name of every entry, in order."""

    lines: list[str] = field(default_factory=list)
    starts: list[tuple[int, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The file's content."""
        return "\n".join(self.lines) + "\n"

    def entry_at(self, line: int) -> str | None:
        """Return the name of the entry that a line (from 1) belongs to."""
        index = bisect_right(self.starts, line, key=lambda start: start[0]) - 1
        return self.starts[index][1] if index >= 0 else None


def write_document(
    head: list[str],
    keys: Mapping[str, str],
    models: Mapping[str, Sequence[str]],
    ensembles: Mapping[str, Sequence[str]],
) -> Document:
    """Write a spec: comments, its own keys, then the lines of each model and ensemble."""
    document = Document()
    document.lines += [f"# {line}".rstrip() for line in head]
    document.lines += ["", "tritongen: 1"]
    for key, value in keys.items():
        document.lines += entry(key, value)
    for section, entries in (("models", models), ("ensembles", ensembles)):
        if not entries:
            continue
        document.lines += ["", f"{section}:"]
        for name, lines in entries.items():
            document.starts.append((len(document.lines) + 1, name))
            document.lines += lines
    return document


def name_of(folder: str) -> str:
    """Turn a folder's name into the name of a spec."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder).lstrip("._-")
    return name or "imported"
