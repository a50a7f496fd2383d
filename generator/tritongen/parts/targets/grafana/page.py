"""What a dashboard shows, before it is drawn: pages of rows of panels, each with its queries.

A panel is so many of 24 columns wide; panels of a row stand beside each other and are equally
high. Units are Grafana's: ``s``, ``reqps``, ``percentunit`` (1 is 100%), or ``suffix:TEXT``.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LONGEST = 40
"""Letters that Grafana takes for a uid."""

Kind = Literal["lines", "stack", "tiles", "bars", "table"]
"""Lines over time; areas upon each other; the last values as tiles, as bars, or as a table."""

GREEN, ORANGE, RED = "green", "orange", "red"
Steps = tuple[tuple[float, str], ...]
"""From which value on which colour is shown."""


@dataclass(frozen=True)
class Query:
    """A query of Prometheus, and what its series are called: ``{{label}}`` is a label's value.

    In a table the legend is the heading of the query's column.
    """

    expr: str
    legend: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture.

    ``columns`` gives a table's first columns: labels, and what they are called. ``units`` are those
    of a table's other columns where they differ from ``unit``. ``limits`` colour values, ``below``
    those below all of them; in lines they are drawn. ``link`` is where a click on a table's first
    column leads. ``silent`` says what it means that there is no data.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"
    width: int = 8
    limits: Steps = ()
    below: str = GREEN
    most: float | None = None
    decimals: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    silent: str = "no requests"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels below a title; without one they stand at the top. A click opens a folded row."""

    panels: tuple[Panel, ...]
    title: str = ""
    height: int = 8
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Variable:
    """What is chosen at the top of a page: a label's values in a query's series."""

    name: str
    label: str
    values: str
    description: str
    many: bool = False


@dataclass(frozen=True, kw_only=True)
class Note:
    """What is marked in all pictures of a page, for as long as a query's series is above 0."""

    name: str
    expr: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """A dashboard; ``name`` is its file's, and ends its uid."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def uid(self) -> str:
        """Return what links to it are made of."""
        return uid(self.name)


def uid(name: str) -> str:
    """Return the uid of the page with this name: letters, digits, dashes, underscores."""
    plain = f"tritongen-{re.sub('[^A-Za-z0-9_-]', '-', name)}"
    if plain == f"tritongen-{name}" and len(plain) <= LONGEST:
        return plain
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain[: LONGEST - 9]}-{digest}"
