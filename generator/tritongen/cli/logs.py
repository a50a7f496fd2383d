"""``tritongen logs``: what the server has written."""

import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.text import Text

from tritongen.cli.output import console
from tritongen.cli.served import root_arguments
from tritongen.errors import EngineError
from tritongen.parts.engines import embedded
from tritongen.parts.engines.log import Line, LogReader
from tritongen.parts.engines.runfolder import run_folder

STYLES = {"I": "", "W": "yellow", "E": "red", "F": "bold red"}


@click.command(epilog="Examples: tritongen logs | tritongen logs -f --model encoder")
@root_arguments
@click.option("-f", "--follow", is_flag=True, help="Go on until the server ends, or Ctrl-C.")
@click.option("--model", help="Only lines that name this model.")
def command(spec: Path, root: Path | None, follow: bool, model: str | None) -> None:
    """Show the log of the server that runs for SPEC, or of the last one that did."""
    root = root or spec.parent
    folder = run_folder(root)
    if not folder.log.is_file():
        raise EngineError(
            f"no server has run in {root.resolve()}",
            fix="start one with `tritongen up`, or name its folder with -o",
        )
    for line in lines(root, folder.log, follow=follow):
        if model is None or model in line.raw:
            console.print(Text(line.raw, style="dim" if line.harmless else STYLES[line.level]))


def lines(root: Path, log: Path, *, follow: bool) -> Iterator[Line]:
    """Yield the log's lines; with ``follow`` those to come, too, while the server runs."""
    reader = LogReader(log)
    running = True
    while running:
        running = follow and embedded.find(root) is not None
        yield from reader.new_lines()
        if running:
            time.sleep(0.1)
