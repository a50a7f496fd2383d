"""A panel becomes a picture of Grafana's: lines, areas, tiles, bars or a table."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from tritongen.parts.targets.grafana.page import RED, Panel, Query

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries

    Drawn: TypeAlias = timeseries.Panel | stat.Panel | bargauge.Panel | table.Panel

DATASOURCE = "prometheus"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FAILED = "failed"
"""The legend of what is always red."""


def source() -> Any:
    """Return what names the data source."""
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

    return DataSourceRef(type_val="prometheus", uid=DATASOURCE)


def draw(panel: Panel) -> "Drawn":
    """Return the picture of a panel, which has no place yet."""
    draws: Mapping[str, Callable[[Panel], Drawn]] = {
        "lines": _lines,
        "stack": _lines,
        "tiles": _tiles,
        "bars": _bars,
        "table": _table,
    }
    made = draws[panel.kind](panel)
    made.title(panel.title).description(panel.description).datasource(source())
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

    made = Dataquery().datasource(source()).ref_id(letter).expr(said.expr)
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

    # By name, so that a step has the same colour in all pictures.
    modes = FieldColorModeId.PALETTE_CLASSIC_BY_NAME, FieldColorModeId.THRESHOLDS
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
    if any(query.legend == FAILED for query in panel.queries):
        made.override_by_name(FAILED, [_always(RED)])
    return made


def _always(colour: str) -> Any:
    from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})


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

    judged, named = bool(panel.limits), any(query.legend for query in panel.queries)
    filled, plain = models.BigValueColorMode.BACKGROUND, models.BigValueColorMode.VALUE
    with_name, alone = models.BigValueTextMode.VALUE_AND_NAME, models.BigValueTextMode.VALUE
    return (
        stat.Panel()
        .reduce_options(_last())
        .orientation(models.VizOrientation.AUTO)
        .text_mode(with_name if named else alone)
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
