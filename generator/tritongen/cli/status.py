"""``tritongen status``: the running server and its models."""

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from tritongen.cli.output import console, show_json
from tritongen.cli.served import (
    addresses_table,
    configurations,
    engine_option,
    models_table,
    root_arguments,
    running,
    show_table,
)
from tritongen.errors import EngineError
from tritongen.parts import engines
from tritongen.parts.engines import Name
from tritongen.records.endpoint import Endpoint
from tritongen.triton import Triton, UnreachableError


@click.command(epilog="Examples: tritongen status | tritongen status --json")
@root_arguments
@engine_option
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def command(spec: Path, root: Path | None, engine: Name | None, as_json: bool) -> None:
    """Show what runs for SPEC: a server, its models and what they did, or a stack's services.

    Ends with 6 if nothing does, or a service of the stack is not well.
    """
    root = root or spec.parent
    if as_json and engines.find(root, os.environ, engine) is None:
        show_json({"running": False})
    endpoint = running(root, engine)
    if endpoint.engine == "compose":
        from tritongen.cli.stack import status

        status(endpoint, root, as_json=as_json)
        return
    try:
        with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
            if as_json:
                show_json(facts(endpoint, triton))
            else:
                show(endpoint, triton)
    except UnreachableError as error:
        raise EngineError(
            f"the server (pid {endpoint.pid}) does not answer at {endpoint.grpc or endpoint.http}",
            why="it is starting, stopping or stuck",
            fix="wait a moment and see `tritongen logs`, or stop it with `tritongen down`",
        ) from error


def facts(endpoint: Endpoint, triton: Triton) -> dict[str, Any]:
    """Return what a program may want to know, JSON-able."""
    return {
        "running": True,
        "ready": triton.ready(),
        "endpoint": asdict(endpoint),
        "models": [asdict(row) for row in triton.index()],
        "statistics": [asdict(row) for row in triton.statistics()],
    }


def show(endpoint: Endpoint, triton: Triton) -> None:
    """Write the same for a person."""
    ready = triton.ready()
    state = Text("ready" if ready else "not ready", style="bold green" if ready else "bold red")
    since = f"  pid {endpoint.pid}, up {uptime(endpoint)}, serves {endpoint.repository}"
    console.print(Text.assemble(state, (since, "dim")))
    states = triton.index()
    show_table(models_table(states, configurations(triton, states), triton.statistics()))
    show_table(addresses_table(endpoint))


def uptime(endpoint: Endpoint) -> str:
    """Return for how long the server has run, in the largest two units."""
    seconds = int(time.clock_gettime(time.CLOCK_BOOTTIME)) - endpoint.started // os.sysconf(
        "SC_CLK_TCK"
    )
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {name}"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
