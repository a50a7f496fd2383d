"""Pages become Grafana's dashboards, by Grafana's own SDK (of the release in images.toml)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from tritongen.errors import ToolMissingError
from tritongen.parts.targets.grafana.page import Page, Panel, Query, Row, Variable

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, dashboard, stat, table, timeseries

    Drawn: TypeAlias = timeseries.Panel | stat.Panel | bargauge.Panel | table.Panel

DATASOURCE = "prometheus"
TAG = "tritongen"
COLUMNS = 24
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
REFRESH, SPAN = "10s", "now-30m"


@dataclass(frozen=True)
class Place:
    """Where a panel stands on Grafana's grid."""

    x: int
    y: int
    width: int
    height: int


def draw(page: Page) -> dict[str, Any]:
    """Return the dashboard of a page, as its JSON file has it.

    Raises:
        ToolMissingError: Grafana's SDK is not there.
    """
    if find_spec("grafana_foundation_sdk") is None:
        raise ToolMissingError(
            "the dashboards of `stack:` are written with Grafana's SDK",
            why="grafana-foundation-sdk is not installed; it needs Python 3.11 or newer",
            fix="install tritongen with Python 3.11 or 3.12",
        )
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
            .datasource(_source())
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
    drawn = [_panel(panel).grid_pos(place) for panel, place in zip(row.panels, rest, strict=True)]
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


def _source() -> Any:
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

    return DataSourceRef(type_val="prometheus", uid=DATASOURCE)


def _variable(said: Variable) -> "dashboard.QueryVariable":
    from grafana_foundation_sdk.builders.dashboard import QueryVariable
    from grafana_foundation_sdk.models import dashboard as models

    chosen = models.VariableOption(text="All", value="$__all", selected=True)
    made = (
        QueryVariable(said.name)
        .label(said.label)
        .description(said.description)
        .datasource(_source())
        .query(said.values)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(said.many)
        .include_all(said.many)
    )
    return made.current(chosen).all_value(".+") if said.many else made


def _panel(panel: Panel) -> "Drawn":
    draws: Mapping[str, Callable[[Panel], Drawn]] = {
        "lines": _lines,
        "stack": _lines,
        "tiles": _tiles,
        "bars": _bars,
        "table": _table,
    }
    made = draws[panel.kind](panel)
    made.title(panel.title).description(panel.description).datasource(_source())
    made.unit(panel.unit).no_value(panel.silent)
    if panel.most is not None:
        made.max(panel.most)
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    for letter, query in zip(LETTERS, panel.queries, strict=False):
        made.with_target(_query(query, letter, panel.kind))
    return made


def _query(said: Query, letter: str, kind: str) -> Any:
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.models import prometheus as models

    made = Dataquery().datasource(_source()).ref_id(letter).expr(said.expr)
    made.legend_format(said.legend).editor_mode(models.QueryEditorMode.CODE)
    if kind == "table":
        return made.instant().format(models.PromQueryFormat.TABLE)
    made.format(models.PromQueryFormat.TIME_SERIES)
    return made.instant() if kind == "bars" else made.range()


def _thresholds(panel: Panel) -> Any:
    from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
    from grafana_foundation_sdk.models import dashboard as models

    steps = [models.Threshold(value=None, color=panel.below)]
    steps += (models.Threshold(value=value, color=colour) for value, colour in panel.limits)
    return ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _colour(by_value: bool) -> Any:
    from grafana_foundation_sdk.builders.dashboard import FieldColor
    from grafana_foundation_sdk.models.dashboard import FieldColorModeId

    modes = FieldColorModeId.PALETTE_CLASSIC, FieldColorModeId.THRESHOLDS
    return FieldColor().mode(modes[by_value])


def _lines(panel: Panel) -> "timeseries.Panel":
    from grafana_foundation_sdk.builders import common, timeseries
    from grafana_foundation_sdk.models import common as models

    stacked = panel.kind == "stack"
    tooltip = common.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI)
    made = (
        timeseries.Panel()
        .legend(_legend(panel))
        .tooltip(tooltip.sort(models.SortOrder.DESCENDING))
        .color_scheme(_colour(by_value=False))
        .line_width(1 if stacked else 2)
        .fill_opacity(40 if stacked else 5)
        .show_points(models.VisibilityMode.NEVER)
        .min(0)
    )
    if stacked:
        made.stacking(common.StackingConfig().mode(models.StackingMode.NORMAL))
    if panel.limits:
        style = common.GraphThresholdsStyleConfig()
        made.thresholds(_thresholds(panel))
        made.thresholds_style(style.mode(models.GraphThresholdsStyleMode.DASHED))
    return made


def _legend(panel: Panel) -> Any:
    """Return a table beside a wide picture, below a narrower one, and names only below a small."""
    from grafana_foundation_sdk.builders.common import VizLegendOptions
    from grafana_foundation_sdk.models import common as models

    made = VizLegendOptions().show_legend(True)
    if panel.width < 8:
        made.display_mode(models.LegendDisplayMode.LIST)
        return made.placement(models.LegendPlacement.BOTTOM).calcs([])
    wide = panel.width >= 16
    made.display_mode(models.LegendDisplayMode.TABLE).calcs(["lastNotNull", "mean", "max"])
    made.sort_by("Max").sort_desc(True)
    return made.placement(models.LegendPlacement.RIGHT if wide else models.LegendPlacement.BOTTOM)


def _tiles(panel: Panel) -> "stat.Panel":
    from grafana_foundation_sdk.builders import stat
    from grafana_foundation_sdk.models import common as models

    judged = bool(panel.limits)
    filled, plain = models.BigValueColorMode.BACKGROUND, models.BigValueColorMode.VALUE
    return (
        stat.Panel()
        .reduce_options(_last())
        .orientation(models.VizOrientation.AUTO)
        .text_mode(models.BigValueTextMode.AUTO)
        .graph_mode(models.BigValueGraphMode.AREA)
        .color_mode(filled if judged else plain)
        .color_scheme(_colour(by_value=True))
        .thresholds(_thresholds(panel))
    )


def _bars(panel: Panel) -> "bargauge.Panel":
    from grafana_foundation_sdk.builders import bargauge
    from grafana_foundation_sdk.models import common as models

    return (
        bargauge.Panel()
        .reduce_options(_last())
        .orientation(models.VizOrientation.HORIZONTAL)
        .display_mode(models.BarGaugeDisplayMode.BASIC)
        .value_mode(models.BarGaugeValueMode.TEXT)
        .show_unfilled(True)
        .min(0)
        .color_scheme(_colour(by_value=bool(panel.limits)))
        .thresholds(_thresholds(panel))
    )


def _last() -> Any:
    from grafana_foundation_sdk.builders.common import ReduceDataOptions

    return ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _table(panel: Panel) -> "table.Panel":
    from grafana_foundation_sdk.builders import common, table
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models.common import FieldTextAlignment

    named = {
        f"Value #{letter}": q.legend for letter, q in zip(LETTERS, panel.queries, strict=False)
    }
    names = {**panel.columns, **named}
    organized = {
        "excludeByName": {"Time": True},
        "indexByName": {name: i for i, name in enumerate(names)},
        "renameByName": names,
    }
    made = (
        table.Panel()
        .show_header(True)
        .align(FieldTextAlignment.AUTO)
        .footer(common.TableFooterOptions().show(False).reducer([]))
        .with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(models.DataTransformerConfig(id_val="organize", options=organized))
    )
    for column, unit in panel.units.items():
        made.override_by_name(column, [models.DynamicConfigValue(id_val="unit", value=unit)])
    if panel.link:
        link = {"title": "Show it", "url": panel.link}
        first = next(iter(panel.columns.values()))
        made.override_by_name(first, [models.DynamicConfigValue(id_val="links", value=[link])])
    return made
