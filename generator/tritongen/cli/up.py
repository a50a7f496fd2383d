"""``tritongen up``: build and serve, until Ctrl-C or in the background."""

import os
import signal
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click
from click.core import ParameterSource
from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text

from tritongen.cli.build import make_plan, spec_arguments, write
from tritongen.cli.output import messages
from tritongen.cli.served import show_served, where
from tritongen.errors import SpecError, ToolMissingError
from tritongen.parts import embedded
from tritongen.parts.embedded import LoadProgress, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.plan import REPOSITORY, Plan
from tritongen.records.release import releases
from tritongen.triton import Triton

MOST_SHOWN = 12


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
    "tritongen up --repository models -- --model-control-mode=explicit --load-model=NAME. "
    "What follows `--` goes to tritonserver and wins.",
)
@spec_arguments
@click.option(
    "--repository",
    type=click.Path(path_type=Path),
    help="Serve this model repository as it is, instead of a spec.",
)
@click.option("-d", "--detach", is_flag=True, help="Leave the server running; end it with `down`.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="Give up when nothing happens for so long while models load.",
)
@click.option(
    "--as",
    "as_release",
    type=click.Choice([embedded.RELEASE]),
    help="Leave out what a newer spec says that this release does not know.",
)
def command(
    spec: Path,
    overlays: tuple[Path, ...],
    root: Path | None,
    strict: bool,
    repository: Path | None,
    detach: bool,
    timeout_s: float,
    as_release: str | None,
) -> None:
    """Build SPEC and serve it on the embedded tritonserver, bound to 127.0.0.1."""
    ctx = click.get_current_context()
    if repository is None:
        embedded.refuse_second(root or spec.parent)
        plan, root = make_plan(spec, overlays, root, strict=strict)
        serving = from_plan(plan, root, as_engine=as_release is not None)
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
        leave(serving) if detach else serve(serving)
    except KeyboardInterrupt:
        messages.print("stopped", style="dim")


def from_plan(plan: Plan, root: Path, *, as_engine: bool) -> Serving:
    """Write a plan and return how to serve it.

    Raises:
        ToolMissingError: it uses what came after the engine's release, unless ``as_engine``.
    """
    engine = releases()[embedded.RELEASE]
    folder = root
    if newer := embedded.newer_things(plan, engine):
        listed = "\n".join(f"{thing.model} uses {thing.field}: {thing.why}" for thing in newer)
        if not as_engine:
            raise ToolMissingError(
                f"the embedded engine is Triton {engine.tag}, and the spec uses newer things",
                why=listed,
                fix=f"leave them out here with --as {engine.tag}, "
                f"or serve it in NVIDIA's container of {plan.release.tag}",
            )
        messages.print(Text(f"left out for {engine.tag}:\n{listed}", style="yellow"))
        # What was built for the spec's own release stays as it is.
        folder = root / ".tritongen" / f"as-{engine.tag}"
    if as_engine:
        plan = embedded.without(plan, newer, engine)
    write(plan, folder)
    return Serving(
        root=root,
        repository=folder / REPOSITORY,
        release=plan.release,
        environment=os.environ,
        server=plan.server,
        auto_complete=plan.auto_complete,
        cache=any(model.config.response_cache.enable for model in plan.models.values()),
    )


def as_it_is(repository: Path, root: Path) -> Serving:
    """Return how to serve a repository that others made: Triton completes configurations."""
    return Serving(
        root=root,
        repository=repository,
        release=releases()[embedded.RELEASE],
        environment=os.environ,
    )


def serve(serving: Serving) -> None:
    """Serve until Ctrl-C, SIGTERM, `tritongen down`, or the server's own end."""
    from tritongen.stages.run import run

    with closing(Progress()) as progress, run(serving, progress) as endpoint:
        progress.close()
        show_ready(endpoint, progress.seconds)
        messages.print("\n  Ctrl-C stops it", style="dim")
        try:
            wait_for_end(endpoint)
        except KeyboardInterrupt:
            messages.print("\nanswering open requests, then stopping (Ctrl-C again: at once)")
    messages.print("stopped", style="dim")


def leave(serving: Serving) -> None:
    """Start a server and leave it running."""
    with closing(Progress()) as progress:
        endpoint = embedded.start(serving, progress)
    show_ready(endpoint, progress.seconds)
    messages.print(f"\n  tritongen down{where(endpoint)} stops it", style="dim")


def show_ready(endpoint: Endpoint, seconds: float) -> None:
    """Say that the server is ready, and what can be done with it."""
    messages.print(Text(f"ready in {seconds:.1f} s", style="bold green"))
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        show_served(endpoint, triton)


def wait_for_end(endpoint: Endpoint) -> None:
    """Return when the server was stopped by another command; raise ``EngineError`` if it broke."""
    while embedded.process(endpoint).alive():
        time.sleep(0.2)
    if broken := embedded.end_of(endpoint):
        raise broken


class Progress:
    """Shows which models are loading, on a terminal only; called with what the log has said."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = Live(
            Spinner("dots", "starting"), console=messages, transient=True, refresh_per_second=10
        )
        if messages.is_terminal:
            self._live.start()

    @property
    def seconds(self) -> float:
        """How long ago this was made."""
        return time.monotonic() - self._began

    def __call__(self, progress: LoadProgress) -> None:
        """Show the state of every model, or of the first few that are still loading."""
        total = len(progress.ready) + len(progress.loading) + len(progress.failed)
        head = f"loading models, {len(progress.ready)} of {total} ready"
        self._live.update(Group(Spinner("dots", head), *map(Text.from_markup, rows(progress))))

    def close(self) -> None:
        """Remove it from the screen."""
        self._live.stop()


def rows(progress: LoadProgress) -> list[str]:
    """Return a line for every model, those first that are not ready; some, if there are many."""
    marks = (
        ("[red]✗[/]", progress.failed),
        ("[yellow]…[/]", progress.loading),
        ("[green]✓[/]", progress.ready),
    )
    lines = [f"  {mark} {escape(name)}" for mark, names in marks for name in names]
    more = [f"  [dim]and {len(lines) - MOST_SHOWN} more[/]"] if len(lines) > MOST_SHOWN else []
    return lines[:MOST_SHOWN] + more


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, unless we were told to ignore them (nohup)."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
