"""``tritongen graph``: what flows where, on the terminal, as SVG or as Mermaid."""

import sys
from pathlib import Path

import click

from tritongen.cli.build import Request
from tritongen.cli.files import replace
from tritongen.cli.output import console
from tritongen.errors import SpecError

FORMATS = ("terminal", "svg", "mermaid")
SUFFIXES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid"}


@click.command(
    epilog="Examples: tritongen graph | tritongen graph spec.yaml filetype | "
    "tritongen graph -o docs/graph.svg | tritongen graph --format mermaid"
)
@click.argument("spec", type=click.Path(path_type=Path), default="spec.yaml")
@click.argument("ensemble", default="")
@click.option(
    "-f",
    "--file",
    "overlays",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file to lay over the spec; may be given several times.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="terminal if not said, or what the file's ending says (.svg, .mmd).",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file.")
def command(
    spec: Path, ensemble: str, overlays: tuple[Path, ...], form: str | None, output: Path | None
) -> None:
    """Draw the ensembles and models of SPEC, or one ENSEMBLE with those inside it.

    Every box says what runs it, how it batches and how many run; every line is a tensor.
    """
    from tritongen.cli.planning import plan_spec
    from tritongen.cli.rails import drawn
    from tritongen.stages.draw import mermaid, pictures, svg

    form = form or (SUFFIXES.get(output.suffix, "") if output else "terminal")
    if not form:
        raise SpecError(f"{output} does not say what to draw", fix="add --format svg or mermaid")
    plan, _ = plan_spec(Request.of(spec, overlays, None, strict=False))
    found = pictures(plan, ensemble)
    if form == "terminal":
        text = drawn(found)
        if output is None:
            console.print(text, end="")
            return
        written = text.plain
    else:
        written = svg(found) if form == "svg" else mermaid(found)
    if output is None:
        sys.stdout.write(written)
        return
    replace(output, written)
    console.print(f"{output}: {', '.join(picture.title for picture in found)}", style="green")
