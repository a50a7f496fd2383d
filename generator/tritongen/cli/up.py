"""``tritongen up``: build and serve, until Ctrl-C or in the background."""

import os
import signal
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any

import click
from click.core import ParameterSource

from tritongen.cli.build import Request, patience, spec_arguments
from tritongen.errors import SpecError
from tritongen.parts.engines import NAMES, Name, embedded
from tritongen.parts.engines.embedded import Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.paths import REPOSITORY
from tritongen.records.release import Release

# What reads a spec, and what shows a server, is imported where it is needed: the time until the
# server is started is time that the user waits.

ENDING_S = 2.0
"""A server that answers no more may take so long until its process is gone."""


class WithServerOptions(click.Command):
    """A command that keeps what follows ``--`` for tritonserver."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set the server's options aside, then parse the rest."""
        own, options = args, list[str]()
        if "--" in args:
            cut = args.index("--")
            own, options = args[:cut], args[cut + 1 :]
        ctx.meta["server_options"] = tuple(options)
        return super().parse_args(ctx, own)


@click.command(
    cls=WithServerOptions,
    epilog="Examples: tritongen up | tritongen up spec.yaml --detach | "
    "tritongen up --engine compose | "
    "tritongen up --repository models -- --model-control-mode=explicit --load-model=NAME. "
    "What follows `--` goes to tritonserver and wins.",
)
@spec_arguments
@click.option(
    "--engine",
    type=click.Choice(NAMES),
    default="embedded",
    show_default=True,
    help="What serves: the wheel's server alone, or the whole stack in containers, which "
    "is left running.",
)
@click.option(
    "--repository",
    type=click.Path(path_type=Path),
    help="Serve this model repository as it is, instead of a spec.",
)
@click.option("-d", "--detach", is_flag=True, help="Leave the server running; end it with `down`.")
@patience("Give up when nothing happens for so long while models load.")
@click.option(
    "--as",
    "as_release",
    type=click.Choice([embedded.RELEASE]),
    help="Leave out what a newer spec says that this release does not know.",
)
@click.option("--json", "as_json", is_flag=True, help="Write where it answers as JSON.")
def command(
    spec: Path,
    overlays: tuple[Path, ...],
    root: Path | None,
    strict: bool,
    engine: Name,
    as_json: bool,
    timeout_s: float,
    **said: Any,
) -> None:
    """Build SPEC and serve it, bound to 127.0.0.1 unless it says otherwise."""
    ctx = click.get_current_context()
    repository: Path | None = said["repository"]
    as_release, detach = said["as_release"], said["detach"]
    if engine == "compose":
        refuse_with_compose(ctx, "repository", "as_release")
        from tritongen.cli import stack

        end_on_signals()
        request = Request.of(spec, overlays, root, strict=strict)
        stack.up(request, timeout_s=timeout_s, as_json=as_json)
        return
    if repository is None:
        embedded.refuse_second(root or spec.parent)
        request = Request.of(spec, overlays, root, strict=strict)
        serving = from_spec(request, as_engine=as_release is not None)
    elif ctx.get_parameter_source("spec") is not ParameterSource.DEFAULT or overlays:
        raise SpecError("a spec and --repository can't be served at once", fix="leave one out")
    else:
        serving = as_it_is(repository, root or Path())
    serving = replace(
        serving,
        options=ctx.meta["server_options"],
        timeout_s=timeout_s,
        tied=not detach,
    )
    end_on_signals()
    try:
        (leave if detach else serve)(serving, as_json=as_json)
    except KeyboardInterrupt:
        from tritongen.cli.output import messages

        messages.print("stopped", style="dim")


def refuse_with_compose(ctx: click.Context, *names: str) -> None:
    """Refuse what only the embedded server can be told on the command line."""
    said = [f"--{name.partition('_')[0]}" for name in names if ctx.params[name] is not None]
    if ctx.meta["server_options"]:
        said.append("--")
    if said:
        raise SpecError(
            f"`{said[0]}` is for the embedded server",
            why="a stack serves what its spec says",
            fix="say it in the spec (server: ..., triton: ...), or leave it out",
        )


def from_spec(request: Request, *, as_engine: bool) -> Serving:
    """Build a spec, unless nothing has changed since the last time, and return how to serve it.

    Raises:
        SpecError: as ``load``, ``resolve`` and ``check`` find.
        ToolMissingError: it uses what came after the engine's release, unless ``as_engine``.
    """
    folder = request.root
    done = None if as_engine else request.unchanged()
    said = done["serving"] if done else None
    if said is None:
        from tritongen.cli.planning import build_for
        from tritongen.records.release import releases

        folder, said = build_for(request, releases()[embedded.RELEASE], as_engine=as_engine)
    return Serving(
        root=request.root,
        repository=folder / REPOSITORY,
        release=Release(**said["release"]),
        environment=os.environ,
        server=embedded.resolved(said["server"], os.environ),
    )


def as_it_is(repository: Path, root: Path) -> Serving:
    """Return how to serve a repository that others made: Triton completes configurations."""
    from tritongen.records.release import releases

    return Serving(
        root=root,
        repository=repository,
        release=releases()[embedded.RELEASE],
        environment=os.environ,
    )


def serve(serving: Serving, *, as_json: bool) -> None:
    """Serve until Ctrl-C, SIGTERM, `tritongen down`, or the server's own end."""
    from tritongen.cli.progress import Progress
    from tritongen.stages.run import run

    with closing(Progress()) as progress, run(serving, progress) as endpoint:
        from tritongen.cli.output import messages

        progress.close()
        show_ready(endpoint, progress.seconds, as_json=as_json)
        messages.print("\n  Ctrl-C stops it", style="dim")
        try:
            wait_for_end(endpoint)
        except KeyboardInterrupt:
            messages.print("\nanswering open requests, then stopping (Ctrl-C again: at once)")
    messages.print("stopped", style="dim")


def leave(serving: Serving, *, as_json: bool) -> None:
    """Start a server and leave it running."""
    from tritongen.cli.progress import Progress

    with closing(Progress()) as progress:
        endpoint = embedded.start(serving, progress)
    show_ready(endpoint, progress.seconds, as_json=as_json)
    from tritongen.cli.output import messages
    from tritongen.cli.served import where

    messages.print(f"\n  tritongen down{where(endpoint)} stops it", style="dim")


def show_ready(endpoint: Endpoint, seconds: float, *, as_json: bool) -> None:
    """Say that the server is ready, and what can be done with it."""
    if as_json:
        from tritongen.cli.output import show_json

        show_json({"seconds": round(seconds, 1), "running": True, "endpoint": asdict(endpoint)})
        return
    from rich.text import Text

    from tritongen.cli.output import messages

    messages.print(Text(f"ready in {seconds:.1f} s", style="bold green"))
    from tritongen.cli.served import show_served
    from tritongen.triton import Triton, UnreachableError

    try:
        with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
            show_served(endpoint, triton)
    except UnreachableError as error:
        if not embedded.process(endpoint).wait(ENDING_S):
            raise
        # Whoever asked it to end meanwhile wants to see no table.
        if broken := embedded.end_of(endpoint):
            raise broken from error


def wait_for_end(endpoint: Endpoint) -> None:
    """Return when the server was stopped by another command; raise ``EngineError`` if it broke."""
    while embedded.process(endpoint).alive():
        time.sleep(0.2)
    if broken := embedded.end_of(endpoint):
        raise broken


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, unless we were told to ignore them (nohup)."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
