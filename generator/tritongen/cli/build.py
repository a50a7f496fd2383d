"""``tritongen build``: check a spec, then write what it says."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from tritongen.cli.output import console, messages, relative, show_findings, show_json
from tritongen.errors import ConflictError, DriftError, SpecError
from tritongen.records.plan import Plan
from tritongen.records.tree import Change

ACTIONS = {"create": "green", "update": "yellow", "delete": "red", "conflict": "bold red"}


def spec_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the spec, its overlays, the output folder and ``--strict``."""
    for decorate in (
        click.option("--strict", is_flag=True, help="Treat warnings as errors."),
        click.option(
            "-o",
            "--output",
            "root",
            type=click.Path(path_type=Path),
            help="Folder to write into; the spec's own if not given.",
        ),
        click.option(
            "-f",
            "--file",
            "overlays",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A file to lay over the spec; may be given several times.",
        ),
        click.argument("spec", type=click.Path(path_type=Path), default="spec.yaml"),
    ):
        command = decorate(command)
    return command


def make_plan(
    spec: Path, overlays: Sequence[Path], root: Path | None, *, strict: bool, quiet: bool = False
) -> tuple[Plan, Path]:
    """Load, probe, resolve and check a spec; show what was found; return the plan and its root.

    Raises:
        SpecError: when something was found that Triton would refuse, and for warnings if strict.
    """
    from tritongen.stages.apply import recover
    from tritongen.stages.check import check
    from tritongen.stages.load import load
    from tritongen.stages.probe import probe
    from tritongen.stages.resolve import resolve

    root = root or spec.parent
    with messages.status("reading the spec"):
        loaded = load([spec, *overlays], os.environ)
        recover(root)
    with messages.status("reading the models"):
        facts = probe(loaded, root)
    plan = resolve(loaded, facts)
    findings = check(plan)
    if any(f.severity == "error" or (strict and f.severity == "warning") for f in findings):
        raise SpecError(findings)
    if not quiet:
        show_findings(findings)
    return plan, root


def write(plan: Plan, root: Path, *, force: bool = False) -> tuple[Change, ...]:
    """Render a plan and write it below ``root``; return what that changed."""
    from tritongen.stages.apply import apply, diff
    from tritongen.stages.render import render

    with messages.status("writing"):
        tree = render(plan)
        changes = diff(tree, root, force=force)
        apply(changes, root, tree)
    return changes


@click.command(
    epilog="Examples: tritongen build | tritongen build spec.yaml -f prod.yaml -o out --diff"
)
@spec_arguments
@click.option("--check", "only_check", is_flag=True, help="Only say whether files differ (exit 3).")
@click.option("--diff", "only_diff", is_flag=True, help="Only show what would change.")
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
@click.option("--json", "as_json", is_flag=True, help="Write the changes as JSON.")
def command(
    spec: Path,
    overlays: tuple[Path, ...],
    root: Path | None,
    strict: bool,
    only_check: bool,
    only_diff: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Check SPEC, then write the model repository that it describes."""
    from tritongen.stages.apply import diff, drift, unified
    from tritongen.stages.render import render

    plan, root = make_plan(spec, overlays, root, strict=strict)
    if not (only_check or only_diff):
        _show(plan, write(plan, root, force=force), root, as_json=as_json)
        return
    tree = render(plan)
    changes = diff(tree, root, force=force)
    if only_check:
        changes = drift(changes, root, tree)
    if as_json:
        show_json(_as_json(changes))
    elif only_diff:
        for change in changes:
            if change.action != "keep":
                console.print(_coloured(unified(change)), end="")
    _end(changes, only_check=only_check)


def _end(changes: Sequence[Change], *, only_check: bool) -> None:
    """Refuse with what a check found, or say that there is nothing to do."""
    different = [change for change in changes if change.action != "keep"]
    conflicts = [change for change in different if change.action == "conflict"]
    listed = "\n".join(f"{change.path}: {change.reason or change.action}" for change in different)
    if only_check and different:
        raise DriftError(
            f"{len(different)} {'file differs' if len(different) == 1 else 'files differ'} "
            "from the spec",
            why=listed,
            fix="run tritongen build",
        )
    if conflicts:
        raise ConflictError(
            "generated files were edited by hand",
            why="\n".join(f"{change.path}: {change.reason}" for change in conflicts),
            fix="move the edit into the spec; --force overwrites it",
        )
    if not different:
        messages.print("nothing to do: every file is as the spec says", style="green")


def _show(plan: Plan, changes: Sequence[Change], root: Path, *, as_json: bool) -> None:
    if as_json:
        show_json(_as_json(changes))
        return
    counts = Counter[str](change.action for change in changes)
    if counts["keep"] == len(changes):
        files = f"{len(changes)} files are" if len(changes) != 1 else "1 file is"
        console.print(f"nothing to do: {files} as the spec says", style="green")
        return
    if len(plan.models) <= 40:
        console.print(models_table(plan))
    done = {"create": "created", "update": "updated", "delete": "deleted", "keep": "kept"}
    summary = ", ".join(
        f"{counts[action]} {word}" for action, word in done.items() if counts[action]
    )
    console.print(f"{summary} in {relative(root)}", style="green")


def models_table(plan: Plan) -> Table:
    """Lay out the models and ensembles of a plan: what goes in, what comes out, how it batches."""
    from tritongen.records.plan import short

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("model", "backend", "batch", "in", "out"):
        table.add_column(column, overflow="fold")
    for model in plan.models.values():
        config = model.config
        table.add_row(
            Text(model.name, style="bold"),
            "python step" if model.kind == "step" else config.backend or config.platform,
            str(config.max_batch_size or "no"),
            Text("\n".join(f"{tensor.name} {short(tensor)}" for tensor in config.input)),
            Text("\n".join(f"{tensor.name} {short(tensor)}" for tensor in config.output)),
        )
    return table


def _as_json(changes: Sequence[Change]) -> list[dict[str, str]]:
    return [{"path": c.path, "action": c.action, "reason": c.reason} for c in changes]


def _coloured(diff: str) -> Text:
    text = Text()
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in diff.splitlines(keepends=True):
        text.append(line, style=styles.get(line[:1], ""))
    return text
