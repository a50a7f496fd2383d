"""``tritongen down``: stop the server of a folder."""

from pathlib import Path

import click

from tritongen.cli.output import messages
from tritongen.cli.served import root_arguments


@click.command(epilog="Examples: tritongen down | tritongen down -o out")
@root_arguments
def command(spec: Path, root: Path | None) -> None:
    """Stop the server that runs for SPEC; do nothing if none does.

    Open requests are answered first.
    """
    from tritongen.parts.engines import embedded
    from tritongen.parts.engines.runfolder import run_folder

    root = root or spec.parent
    endpoint = embedded.find(root)
    if endpoint is None:
        if left := run_folder(root).read():
            embedded.stop(left)
        messages.print("no server is running", style="dim")
        return
    with messages.status(f"stopping (pid {endpoint.pid}), answering open requests first"):
        by_itself = embedded.stop(endpoint)
    messages.print("stopped" if by_itself else "killed: it did not stop in time")
