"""``tritongen logs``: what the server has written."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.text import Text

from tritongen.cli.output import console
from tritongen.cli.served import engine_option, root_arguments
from tritongen.errors import EngineError, SpecError
from tritongen.parts import engines
from tritongen.parts.engines import Name, embedded
from tritongen.parts.engines.log import Line, LogReader, parse
from tritongen.parts.engines.runfolder import run_folder
from tritongen.records.finding import did_you_mean

STYLES = {"I": "", "W": "yellow", "E": "red", "F": "bold red"}


@click.command(
    epilog="Examples: tritongen logs | tritongen logs -f --model encoder | "
    "tritongen logs --service gateway"
)
@root_arguments
@engine_option
@click.option("--service", help="Of a stack, only this service: triton, gateway, ...")
@click.option("-f", "--follow", is_flag=True, help="Go on until the server ends, or Ctrl-C.")
@click.option("--model", help="Only lines that name this model.")
def command(
    spec: Path,
    root: Path | None,
    engine: Name | None,
    service: str | None,
    follow: bool,
    model: str | None,
) -> None:
    """Show the log of the server or stack that runs for SPEC, or of the last one that did."""
    root = root or spec.parent
    endpoint = engines.find(root, os.environ, engine)
    if endpoint and endpoint.engine == "compose":
        stack_logs(root, service, follow=follow, model=model)
        return
    folder = run_folder(root)
    if not folder.log.is_file():
        raise EngineError(
            f"no server has run in {root.resolve()}",
            fix="start one with `tritongen up`, or name its folder with -o",
        )
    for line in lines(root, folder.log, follow=follow):
        if model is None or model in line.raw:
            show(line, line.raw)


def show(line: Line, text: str) -> None:
    """Write a line in the colour of its level."""
    console.print(Text(text, style="dim" if line.harmless else STYLES[line.level]))


def stack_logs(root: Path, service: str | None, *, follow: bool, model: str | None) -> None:
    """Write what a stack's containers have written, each line with its container's name."""
    from tritongen.parts.engines.compose import CLEAR, running

    known = sorted({each.service for each in running(root, os.environ)})
    if service is not None and service not in known:
        raise SpecError(
            f"no service {service!r} runs here",
            why=f"running: {', '.join(known)}",
            fix=did_you_mean(service, known),
        )
    words = ["docker", "compose", "logs", "--no-color"]
    words += [*(["--follow"] if follow else []), *([service] if service else [])]
    with subprocess.Popen(  # noqa: S603 - no shell
        words, cwd=root, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as program:
        for raw in program.stdout or ():
            text = raw.rstrip("\n").removeprefix(CLEAR)
            if model is None or model in text:
                show(parse(text.partition("| ")[2]), text)
    if program.returncode:
        raise EngineError(
            f"`{' '.join(words)}` failed", fix="see what it says above; `tritongen status`"
        )


def lines(root: Path, log: Path, *, follow: bool) -> Iterator[Line]:
    """Yield the log's lines; with ``follow`` those to come, too, while the server runs."""
    reader = LogReader(log)
    running = True
    while running:
        running = follow and embedded.find(root) is not None
        yield from reader.new_lines()
        if running:
            time.sleep(0.1)
