"""``tritongen tune``: search the configuration that serves a load test best."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click

from tritongen.parts.engines import NAMES, Name
from tritongen.records.tune import Method


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command line, as it was typed."""

    spec: Path
    overlays: tuple[Path, ...]
    method: Method | None
    budget: str | None
    resume: bool
    urls: tuple[str, ...]
    engine: Name
    processes: int
    write: bool
    overlay: Path | None
    html: Path | None
    as_json: bool


@click.command(
    epilog="Examples: tritongen tune | tritongen tune spec.yaml --budget 10min --write | "
    "tritongen tune --resume --html tuned.html"
)
@click.argument("spec", type=click.Path(path_type=Path), default="spec.yaml")
@click.option("-f", "--file", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A file to lay over the spec; may be given several times.")  # fmt: skip
@click.option("--search", "method", type=click.Choice(get_args(Method)),
              help="How to search, instead of the spec's `tune: {method: ...}`.")  # fmt: skip
@click.option("--budget", metavar="BUDGET",
              help='How much to measure: "25 trials", 10min, or both with a comma.')  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with the last study of this spec.")
@click.option("--engine", type=click.Choice(NAMES), default="embedded", show_default=True,
              help="compose: the stack that runs for SPEC, in explicit mode.")  # fmt: skip
@click.option("--url", "urls", metavar="HOST:PORT", multiple=True,
              help="A running server in explicit mode, its gRPC port (for a load test over HTTP "
              "both: GRPC,http://HOST:PORT); it gets back what it had. Several measure at the "
              "same time.")  # fmt: skip
@click.option("--processes", type=click.IntRange(min=1, max=64), default=1, show_default=True,
              help="Load generators; one fills one core.")  # fmt: skip
@click.option("--write", is_flag=True,
              help="Write what was found into SPEC; comments and order stay.")  # fmt: skip
@click.option("-o", "--output", "overlay", metavar="FILE",
              type=click.Path(path_type=Path, dir_okay=False),
              help="Write what was found as a file to lay over the spec with -f.")  # fmt: skip
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the study as a page for people.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write the study as JSON.")
def command(**said: object) -> None:
    """Search what serves the load test of `tune:` best, by measuring.

    Settings are tried on a server of their own, on the stack that runs, or on those at --url; the
    spec and what was built from it stay as they are unless --write is said. Every trial is kept in
    .tritongen/tune. Ctrl-C ends the search with the best so far. Ends with 8 when no setting holds
    the limits.
    """
    from tritongen.cli.tuning import tune_spec

    tune_spec(Asked(**said))  # type: ignore[arg-type]  # as the options say
