"""From a spec to a plan to files, as several commands need it, with what is shown on the way."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from tritongen.cli.build import Request, show_nothing_to_do
from tritongen.cli.output import console, messages, relative, show_findings, show_json
from tritongen.errors import ConflictError, DriftError, SpecError, ToolMissingError
from tritongen.parts.engines.embedded import RELEASE
from tritongen.parts.engines.embedded.newer import newer_things, without
from tritongen.parts.serveroptions import server_options
from tritongen.records.facts import Facts
from tritongen.records.finding import Finding
from tritongen.records.paths import ENV_FILE, STATE
from tritongen.records.plan import Plan, short
from tritongen.records.release import Release, releases
from tritongen.records.spec import Spec
from tritongen.records.tree import Change
from tritongen.stages.apply import apply, diff, make_password, recover
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve
from tritongen.stages.stamp import Asked

EDITS_FIRST = "move what was edited into the spec, and what is in the way elsewhere"


def plan_spec(request: Request) -> tuple[Plan, tuple[Finding, ...]]:
    """Load, probe, resolve and check a spec; return the plan and what was found.

    Raises:
        SpecError: when something was found that Triton would refuse, and for warnings if strict.
    """
    plan = _resolved(request)
    request.needs = (ENV_FILE,) if plan.stack else ()
    doubts: tuple[Finding, ...] = ()
    if plan.loadtests:
        from tritongen.stages.payloads import payloads  # with numpy: a tenth of a second

        with request.reading.noting(), messages.status("making requests for the load tests"):
            plan, doubts = payloads(plan, request.root)
    findings = (*check(plan), *doubts)
    wrong = ("error", "warning") if request.strict else ("error",)
    if any(finding.severity in wrong for finding in findings):
        raise SpecError(findings)
    return plan, findings


def _resolved(request: Request) -> Plan:
    """Load, probe and resolve a spec; a refusal tells also what is wrong with the rest of it."""
    asked = Asked(os.environ)
    loaded: Spec | None = None
    try:
        with request.reading.noting():
            with messages.status("reading the spec"):
                loaded = load([request.spec, *request.overlays], asked)
                recover(request.root)
            with messages.status("reading the models"):
                facts = probe(loaded, request.root)
        request.note(asked, _placed(facts))
        return resolve(loaded, facts)
    except SpecError as error:
        if not error.findings:
            raise
        from tritongen.cli.rest import with_rest  # only when something is wrong

        raise with_rest(error, loaded or error.rest, request.root) from None


def make_plan(
    spec: Path, overlays: Sequence[Path], root: Path | None, *, strict: bool, quiet: bool = False
) -> tuple[Plan, Path]:
    """Return the plan of a spec and the folder to build into; show what was found."""
    request = Request.of(spec, overlays, root, strict=strict)
    plan, findings = plan_spec(request)
    if not quiet:
        show_findings(findings)
    return plan, request.root


def write(plan: Plan, root: Path, *, force: bool = False) -> tuple[Change, ...]:
    """Render a plan and write it below ``root``; return what that changed."""
    with messages.status("writing"):
        tree = render(plan)
        changes = diff(tree, root, force=force)
        apply(changes, root, tree)
        made = plan.stack is not None and make_password(root)
    if made:
        messages.print(f"made a password for Grafana: it is in {relative(root / ENV_FILE)}")
    return changes


def serving_of(plan: Plan) -> dict[str, Any] | None:
    """Return what the engine has to know besides the files; nothing if it can't serve them."""
    if newer_things(plan, releases()[RELEASE]):
        return None
    said = server_options(plan)
    return {
        # All that is known of it: its table takes longer to read than the stamp.
        "release": asdict(plan.release),
        "server": [(option.argument, option.secret) for option in said],
    }


def build_for(request: Request, engine: Release, *, as_engine: bool) -> tuple[Path, dict[str, Any]]:
    """Build a spec to be served on an engine of this release; return where to, and how.

    Raises:
        ToolMissingError: it uses what the engine does not have, unless ``as_engine`` leaves it out.
    """
    plan, findings = plan_spec(request)
    show_findings(findings)
    folder = request.root
    if newer := newer_things(plan, engine):
        listed = "\n".join(map(str, newer))
        if not as_engine:
            raise ToolMissingError(
                f"the embedded engine is Triton {engine.tag}, and the spec uses what it lacks",
                why=listed,
                fix=f"leave them out here with --as {engine.tag}, "
                f"or serve it in NVIDIA's container of {plan.release.tag}",
            )
        messages.print(Text(f"left out for {engine.tag}:\n{listed}", style="yellow"))
        # What was built for the spec's own release stays as it is.
        folder = request.root / STATE / f"as-{engine.tag}"
    if as_engine:
        plan = replace(without(plan, newer, engine), stack=None)
    changes = write(plan, folder)
    serving = serving_of(plan)
    assert serving is not None, "what the engine lacks was refused or left out"
    if not as_engine:
        request.remember(findings, len(changes), serving)
    return folder, serving


def _placed(facts: Facts) -> list[str]:
    """Name the files that are known by their stat and were not opened."""
    versions = [version for model in facts.models.values() for version in model.values()]
    folders = [*(version.files for version in versions), *facts.files.values()]
    return [file.source for folder in folders for file in folder.values()]


def end(changes: Sequence[Change], *, only_check: bool) -> None:
    """Refuse with what a check found, or say that there is nothing to do."""
    different = [change for change in changes if change.action != "keep"]
    conflicts = [change for change in different if change.action == "conflict"]
    listed = "\n".join(f"{change.path}: {change.reason or change.action}" for change in different)
    if only_check and different:
        raise DriftError(
            f"{len(different)} {'file differs' if len(different) == 1 else 'files differ'} "
            "from the spec",
            why=listed,
            fix=f"{EDITS_FIRST}, then run tritongen build" if conflicts else "run tritongen build",
        )
    if conflicts:
        raise ConflictError(
            "generated files were edited by hand",
            why="\n".join(f"{change.path}: {change.reason}" for change in conflicts),
            fix=f"{EDITS_FIRST}; --force overwrites edits of generated files",
        )
    if not different:
        messages.print("nothing to do: every file is as the spec says", style="green")


def show_changes(plan: Plan, changes: Sequence[Change], root: Path, *, as_json: bool) -> None:
    """Show what a build changed, and the models that it wrote if they are not too many."""
    if as_json:
        show_json(as_json_rows(changes))
        return
    counts = Counter[str](change.action for change in changes)
    if counts["keep"] == len(changes):
        show_nothing_to_do(len(changes))
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


def as_json_rows(changes: Sequence[Change]) -> list[dict[str, str]]:
    """Return changes for a program to read."""
    return [{"path": c.path, "action": c.action, "reason": c.reason} for c in changes]


def coloured(diff: str) -> Text:
    """Return a unified diff with the usual colours."""
    text = Text()
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in diff.splitlines(keepends=True):
        text.append(line, style=styles.get(line[:1], ""))
    return text
