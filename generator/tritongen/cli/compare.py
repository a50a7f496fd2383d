"""``tritongen compare``: is the second result worse than the first, beyond noise?"""

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from tritongen.cli.output import console, messages, show_json
from tritongen.errors import MeasureError, SpecError
from tritongen.stages.measure import Comparison, compare, read_measurement
from tritongen.stages.measure.compare import THRESHOLD, Change

STYLES = {"worse": "bold red", "better": "green", "unclear": "yellow", "same": "dim"}
FIXES = "run both again for longer, alternating, on a quiet machine"


@click.command(
    epilog="Example: tritongen compare .tritongen/results/steady-1.json "
    ".tritongen/results/steady-2.json"
)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--threshold", metavar="PERCENT", default=f"{100 * THRESHOLD:g}%", show_default=True,
              help="Smaller differences do not matter.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write the comparison as JSON.")
def command(a: Path, b: Path, threshold: str, as_json: bool) -> None:
    """Say whether the result B is worse than A by more than noise explains; ends with 7 if so."""
    found = compare(read_measurement(a), read_measurement(b), _fraction(threshold))
    if as_json:
        show_json(asdict(found))
    else:
        show(found)
    for doubt in found.doubts:
        messages.print(Text.assemble(("note", "bold cyan"), "  ", doubt))
    if found.worse:
        raise MeasureError(
            f"{b} is worse than {a}",
            why="\n".join(map(in_words, found.worse)),
            fix="see `bottleneck` in both results for what changed",
        )


def _fraction(text: str) -> float:
    from pydantic_core import PydanticCustomError

    from tritongen.records.units import percentage

    try:
        return percentage(text if text.endswith("%") else f"{text}%")
    except PydanticCustomError as error:
        raise SpecError(f"--threshold {text}: no percentage", fix="write it like 5%") from error


def show(found: Comparison) -> None:
    """Write the comparison as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("requests", "metric"):
        table.add_column(column)
    for column in ("A", "B", "change"):
        table.add_column(column, justify="right")
    table.add_column("")
    for change in found.changes:
        style = STYLES[change.judgement]
        table.add_row(
            change.requests,
            change.metric,
            number(change.metric, change.a),
            number(change.metric, change.b),
            "" if change.change is None else f"{100 * change.change:+.1f}%",
            Text(change.judgement, style=style),
        )
    console.print(table)


def number(metric: str, value: float) -> str:
    """Return a metric as people read it."""
    if metric == "error_rate":
        return f"{100 * value:.2f}%"
    return f"{value:.1f}/s" if metric.endswith("_rps") else f"{value:.2f} ms"


def in_words(change: Change) -> str:
    """Return a change in one line, with its intervals."""
    sides = ", ".join(
        f"{label} {number(change.metric, value)} {_interval(change.metric, ci)}"
        for label, value, ci in (("A", change.a, change.a_ci), ("B", change.b, change.b_ci))
    )
    return f"{change.metric} of {change.requests}: {sides}"


def _interval(metric: str, ci: tuple[float, float | None] | None) -> str:
    if ci is None:
        return ""
    low, high = ci
    return f"({number(metric, low)} to {'?' if high is None else number(metric, high)})"
