"""``tritongen schema``: what a spec can say, for editors."""

import json
from pathlib import Path

import click

from tritongen.cli.files import replace
from tritongen.cli.output import console, show_json

MODELINE = "# yaml-language-server: $schema={}"


@click.command(
    epilog="Examples: tritongen schema > spec.schema.json | "
    "tritongen schema -o .tritongen/spec.schema.json"
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to a file."
)
def command(output: Path | None) -> None:
    """Write the JSON Schema of a spec: editors complete, explain and check with it.

    A first line `# yaml-language-server: $schema=FILE` in the spec tells the editor where it is,
    seen from the spec.
    """
    from tritongen.stages.schema import schema

    if output is None:
        show_json(schema())
        return
    replace(output, json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    console.print(f"{output}: start the spec with `{MODELINE.format(output)}`", style="green")
