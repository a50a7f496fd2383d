"""``tritongen explain``: every decision, where it came from and why."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from tritongen.cli.build import spec_arguments
from tritongen.cli.output import console, show_json
from tritongen.cli.planning import make_plan
from tritongen.errors import SpecError
from tritongen.records.finding import did_you_mean
from tritongen.records.paths import STUDIES
from tritongen.records.plan import Decision, Plan

STYLES = {"spec": "", "file": "cyan", "default": "yellow", "wiring": "magenta", "tuned": "green"}


@click.command(epilog="Examples: tritongen explain | tritongen explain spec.yaml models.head")
@spec_arguments
@click.argument("path", default="")
@click.option("--json", "as_json", is_flag=True, help="Write the decisions as JSON.")
def command(
    spec: Path,
    overlays: tuple[Path, ...],
    root: Path | None,
    strict: bool,
    path: str,
    as_json: bool,
) -> None:
    """Show the decisions that SPEC led to, those at PATH and below it if given."""
    plan, folder = make_plan(spec, overlays, root, strict=strict, quiet=True)
    everything = plan.decisions
    if (folder / STUDIES).is_dir():
        from tritongen.cli.tuned import with_evidence

        everything = with_evidence(plan, folder)
    decisions = [d for d in everything if _below(_dotted(d), path)]
    if path and not decisions:
        parts = {part for d in everything for part in _prefixes(_dotted(d))}
        raise SpecError(
            f"nothing was decided at {path!r}",
            why=did_you_mean(path, parts),
            fix="leave the path out to see everything",
        )
    if as_json:
        show_json([asdict(decision) for decision in decisions])
        return
    console.print(_table(plan, decisions))


def _table(plan: Plan, decisions: Sequence[Decision]) -> Table:
    """Lay out decisions below the model or ensemble that they are about."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("", "value", "from", "why"):
        table.add_column(column, overflow="fold")
    for section, inside in groupby(decisions, key=lambda decision: decision.path[:2]):
        table.add_row(Text(".".join(map(str, section)), style="bold underline"))
        for decision in inside:
            place = plan.places.of(*decision.path) if decision.source == "spec" else ""
            table.add_row(
                "  " + ".".join(map(str, decision.path[2:])),
                Text(decision.value, style="bold"),
                Text(decision.source, style=STYLES[decision.source]),
                Text(decision.why or str(place), style="dim"),
            )
    return table


def _dotted(decision: Decision) -> str:
    return ".".join(map(str, decision.path))


def _below(dotted: str, path: str) -> bool:
    return not path or dotted == path or dotted.startswith(f"{path}.")


def _prefixes(dotted: str) -> list[str]:
    parts = dotted.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]
