"""``tritongen load``: put a server under a load test of the spec, and judge it."""

from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command line, as it was typed."""

    name: str | None
    spec: Path
    overlays: tuple[Path, ...]
    root: Path | None
    url: str | None
    engine: str | None
    processes: int
    duration: str | None
    find_max: bool
    prometheus: str | None
    junit: Path | None
    html: Path | None
    ui: bool
    as_json: bool


@click.command(
    epilog="Examples: tritongen load smoke | tritongen load steady --find-max | "
    "tritongen load steady --url triton.example:8001 --junit load.xml"
)
@click.argument("name", required=False)
@click.option("-s", "--spec", type=click.Path(path_type=Path), default="spec.yaml",
              show_default=True, help="The spec that the load test is in.")  # fmt: skip
@click.option("-f", "--file", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A file to lay over the spec; may be given several times.")  # fmt: skip
@click.option("-o", "--output", "root", metavar="DIR", type=click.Path(path_type=Path),
              help="The folder that was built into, if not the spec's.")  # fmt: skip
@click.option("--url", metavar="HOST:PORT", help="A running server; a port of the test's protocol.")
@click.option("--engine", type=click.Choice(["embedded"]),
              help="Build and serve for the test; so if nothing runs for the spec.")  # fmt: skip
@click.option("--processes", type=click.IntRange(min=1, max=64), default=1, show_default=True,
              help="Load generators; one fills one core.")  # fmt: skip
@click.option("--duration", metavar="TIME", help="Instead of the load test's own: 10s, 2m.")
@click.option("--find-max", is_flag=True,
              help="Find the highest rate that keeps the objectives (three minutes).")  # fmt: skip
@click.option("--prometheus", metavar="URL",
              help="Read the server's side from the Prometheus that scrapes it.")  # fmt: skip
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the verdicts for CI.")  # fmt: skip
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the result as a page for people.")  # fmt: skip
@click.option("--ui", is_flag=True,
              help="Show Locust's page, with the server's side, until Ctrl-C.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write the whole result as JSON.")
def command(name: str | None, **said: object) -> None:
    """Run the load test NAME and say what limits.

    It is run against --url, else the server that runs for the spec, else one that is served for it.
    Results are kept in .tritongen/results. Ends with 7 when an objective is missed, requests fail,
    or the result can't be trusted.
    """
    from tritongen.cli.loading import load_test

    load_test(Asked(name=name, **said))  # type: ignore[arg-type]  # as the options say
