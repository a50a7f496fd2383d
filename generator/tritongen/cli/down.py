"""``tritongen down``: stop what runs for a folder."""

import os
from pathlib import Path

import click

from tritongen.cli.output import messages
from tritongen.cli.served import engine_option, root_arguments
from tritongen.parts.engines import Name


@click.command(epilog="Examples: tritongen down | tritongen down -o out --engine compose")
@root_arguments
@engine_option
def command(spec: Path, root: Path | None, engine: Name | None) -> None:
    """Stop the server or the stack that runs for SPEC; do nothing if none does.

    Open requests are answered first. What a stack has stored (its volumes) stays.
    """
    from tritongen.parts import engines
    from tritongen.parts.engines import embedded
    from tritongen.parts.engines.runfolder import run_folder

    root = root or spec.parent
    endpoint = engines.find(root, os.environ, engine)
    if endpoint is None:
        if left := run_folder(root).read():
            embedded.stop(left)
        messages.print("no server is running", style="dim")
        return
    what = f"pid {endpoint.pid}" if endpoint.pid else "the stack"
    serving = engines.engine("compose" if endpoint.engine == "compose" else "embedded", os.environ)
    with messages.status(f"stopping ({what}), answering open requests first"):
        by_itself = serving.stop(endpoint)
    messages.print("stopped" if by_itself else "killed: it did not stop in time")
