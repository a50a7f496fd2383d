"""``tritongen check``: findings only, for people and for other programs; ``--fix`` edits."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from difflib import unified_diff
from pathlib import Path

import click

from tritongen import __version__
from tritongen.cli.build import Request, spec_arguments
from tritongen.cli.files import replace
from tritongen.cli.output import console, messages, show_findings, show_json
from tritongen.cli.planning import coloured, plan_spec
from tritongen.errors import SpecError
from tritongen.records.finding import Finding
from tritongen.stages.fix import fix

FORMATS = ("text", "json", "sarif", "github")
ROUNDS = 10
"""How often --fix looks again: what hid behind a mistake is found once it is gone."""


@click.command(
    epilog="Examples: tritongen check | tritongen check --fix | "
    "tritongen check spec.yaml --format sarif > findings.sarif | "
    "tritongen check --format github"
)
@spec_arguments
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    help="How to write the findings: to read, for programs, for code hosts (SARIF 2.1.0), or as "
    "workflow commands of GitHub Actions.",
)
@click.option("--json", "form", flag_value="json", help="Short for --format json.")
@click.option(
    "--fix", "fixing", is_flag=True, help="First edit the spec where there is one right answer."
)
def command(
    spec: Path,
    overlays: tuple[Path, ...],
    root: Path | None,
    strict: bool,
    form: str,
    fixing: bool,
) -> None:
    """Check SPEC and the models it names; write nothing, except that --fix edits SPEC."""
    request = Request.of(spec, overlays, root, strict=strict)
    if fixing:
        _fix(request)
    count, findings, error = _check(request)
    if form != "text":
        _write(findings, form)
        if error:
            raise click.exceptions.Exit(error.exit_code)
        return
    if error:
        raise error
    show_findings(findings)
    console.print(f"{spec}: {count} model{'' if count == 1 else 's'}, no errors", style="green")


def _check(request: Request) -> tuple[int, Sequence[Finding], SpecError | None]:
    """Return the number of models, what was found, and the refusal if it is one."""
    try:
        plan, findings = plan_spec(request)
    except SpecError as error:
        if not error.findings:
            raise
        return 0, error.findings, error
    return len(plan.models), findings, None


def _write(findings: Sequence[Finding], form: str) -> None:
    from tritongen.formats.github import github
    from tritongen.formats.sarif import sarif

    if form == "json":
        show_json([asdict(finding) for finding in findings])
    elif form == "github":
        sys.stdout.write(github(findings))
    else:
        show_json(sarif(findings, titles(), __version__))


def titles() -> dict[str, str]:
    """Return what each code means, in a line."""
    from tritongen.parts.lints import LINTS
    from tritongen.stages.load.codes import CODES
    from tritongen.stages.probe.mistakes import TABLE as PROBE
    from tritongen.stages.resolve.refusals import LOAD_TABLE
    from tritongen.stages.resolve.refusals import TABLE as WIRING
    from tritongen.stages.resolve.tuning import TUNE_TABLE as TUNING

    pages = {code.code: code.title for code in CODES} | PROBE | WIRING
    pages |= LOAD_TABLE | TUNING
    pages |= {code: lint.__doc__ or code for code, lint in LINTS.items()}
    return {code: page.partition("\n")[0] for code, page in pages.items()}


def _fix(request: Request) -> None:
    """Edit the files of the spec until nothing can be edited; show what changed."""
    before: dict[Path, str] = {}
    for _ in range(ROUNDS):
        _, findings, _ = _check(request)
        by_file: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.edit and finding.place:
                by_file.setdefault(finding.place.file, []).append(finding)
        # A list: each file is edited, not only the first.
        edited = [_edit(Path(name), inside, before) for name, inside in by_file.items()]
        if not any(edited):
            break
    for path, text in before.items():
        _show_diff(path, text)
    if not before:
        messages.print("nothing to fix: no finding has one right answer", style="dim")


def _edit(path: Path, findings: Sequence[Finding], before: dict[Path, str]) -> bool:
    """Edit one file; return whether that changed it. ``before`` keeps what it was at first."""
    text = path.read_bytes().decode("utf-8")
    fixed = fix(text, findings)
    if fixed == text:
        return False
    before.setdefault(path, text)
    replace(path, fixed)
    return True


def _show_diff(path: Path, before: str) -> None:
    lines = path.read_bytes().decode("utf-8").splitlines(keepends=True)
    diff = unified_diff(before.splitlines(keepends=True), lines, f"a/{path}", f"b/{path}")
    messages.print(coloured("".join(diff)), end="")
