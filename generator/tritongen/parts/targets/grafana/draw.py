"""Pages become Grafana's dashboards, by Grafana's own SDK (of the release in images.toml)."""

import json
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tritongen.errors import ToolMissingError
from tritongen.parts.targets.grafana import picture
from tritongen.parts.targets.grafana.page import Page, Row, Variable

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

TAG = "tritongen"
COLUMNS = 24
REFRESH, SPAN = "10s", "now-30m"


@dataclass(frozen=True)
class Place:
    """Where a panel stands on Grafana's grid."""

    x: int
    y: int
    width: int
    height: int


def check_sdk() -> str:
    """Return the version of Grafana's SDK.

    Raises:
        ToolMissingError: it is not there.
    """
    if find_spec("grafana_foundation_sdk") is None:
        raise ToolMissingError(
            "the dashboards of `stack:` are written with Grafana's SDK, which is not here",
            why=f"this is Python {platform.python_version()}; grafana-foundation-sdk is for 3.11 "
            "and newer",
            fix="install tritongen in an environment of Python 3.11 or 3.12, or leave out `stack:`",
        )
    return version("grafana-foundation-sdk").rpartition("!")[2]


def draw(page: Page) -> dict[str, Any]:
    """Return the dashboard of a page, as its JSON file has it.

    Raises:
        ToolMissingError: Grafana's SDK is not there.
    """
    check_sdk()
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    built = _dashboard(page).build()
    found: dict[str, Any] = json.loads(JSONEncoder().encode(built))
    return found


def _dashboard(page: Page) -> "dashboard.Dashboard":
    from grafana_foundation_sdk.builders import dashboard
    from grafana_foundation_sdk.models import dashboard as models

    made = (
        dashboard.Dashboard(page.title)
        .uid(page.uid)
        .description(page.description)
        .tags([TAG])
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .refresh(REFRESH)
        .time(SPAN, "now")
        .timezone("browser")
        .link(
            dashboard.DashboardLink("Dashboards")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
    )
    for variable in page.variables:
        made.with_variable(_variable(variable))
    for note in page.notes:
        made.annotation(
            dashboard.AnnotationQuery()
            .name(note.name)
            .datasource(picture.source())
            .enable(True)
            .icon_color(note.colour)
            .expr(note.expr)
        )
    for row, places in _placed(page.rows):
        _add(made, row, places)
    for i, panel in enumerate(_panels(made), 1):
        panel.id_val = i
    return made


def _placed(rows: Iterable[Row]) -> Iterator[tuple[Row, Sequence[Place]]]:
    """Yield rows with their panels' places; the first is that of the row's title."""
    y = 0
    for row in rows:
        places, x = [Place(0, y, COLUMNS, 1)], 0
        y += bool(row.title)
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + row.height
            places.append(Place(x, y, panel.width, row.height))
            x += panel.width
        y += row.height
        yield row, places


def _add(made: "dashboard.Dashboard", row: Row, places: Sequence[Place]) -> None:
    from grafana_foundation_sdk.builders import dashboard
    from grafana_foundation_sdk.models.dashboard import GridPos

    head, *rest = (GridPos(h=at.height, w=at.width, x=at.x, y=at.y) for at in places)
    drawn = [
        picture.draw(panel).grid_pos(place) for panel, place in zip(row.panels, rest, strict=True)
    ]
    if row.title:
        title = dashboard.Row(row.title).collapsed(row.folded).grid_pos(head)
        for panel in drawn if row.folded else ():
            title.with_panel(panel)
        made.with_row(title)
    for panel in () if row.folded else drawn:
        made.with_panel(panel)


def _panels(made: "dashboard.Dashboard") -> Iterator[Any]:
    """Yield the panels of a dashboard, those of folded rows too."""
    for panel in made.build().panels or ():
        yield panel
        yield from getattr(panel, "panels", None) or ()


def _variable(said: Variable) -> "dashboard.QueryVariable":
    from grafana_foundation_sdk.builders.dashboard import QueryVariable
    from grafana_foundation_sdk.models import dashboard as models

    chosen = models.VariableOption(text="All", value="$__all", selected=True)
    made = (
        QueryVariable(said.name)
        .label(said.label)
        .description(said.description)
        .datasource(picture.source())
        .query(said.values)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(said.many)
        .include_all(said.many)
    )
    return made.current(chosen).all_value(".+") if said.many else made
