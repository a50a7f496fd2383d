"""``tritongen check``: findings only."""

from dataclasses import asdict
from pathlib import Path

import click

from tritongen.cli.build import spec_arguments
from tritongen.cli.output import console, show_json
from tritongen.cli.planning import make_plan
from tritongen.errors import SpecError


@click.command(epilog="Examples: tritongen check | tritongen check spec.yaml --json")
@spec_arguments
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON.")
def command(
    spec: Path, overlays: tuple[Path, ...], root: Path | None, strict: bool, as_json: bool
) -> None:
    """Check SPEC and the models it names; write nothing."""
    try:
        plan, _ = make_plan(spec, overlays, root, strict=strict, quiet=as_json)
    except SpecError as error:
        if as_json:
            show_json([asdict(finding) for finding in error.findings])
        raise
    if as_json:
        show_json([])
        return
    count = len(plan.models)
    console.print(f"{spec}: {count} model{'' if count == 1 else 's'}, no errors", style="green")
