"""``tritongen rollout``: bring a running stack to the spec, one replica at a time."""

from pathlib import Path

import click

from tritongen.cli.build import Request, patience, spec_arguments


@click.command(epilog="Examples: tritongen rollout | tritongen rollout spec.yaml -f prod.yaml")
@spec_arguments
@patience("Give a replica up when nothing happens for so long while it loads its models.")
@click.option(
    "--drain",
    "drain_s",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long requests under way may take before a replica is stopped all the same.",
)
@click.option("--json", "as_json", is_flag=True, help="Write what was done as JSON.")
def command(
    spec: Path,
    overlays: tuple[Path, ...],
    root: Path | None,
    strict: bool,
    timeout_s: float,
    drain_s: float,
    as_json: bool,
) -> None:
    """Build SPEC and bring the stack that runs for it there; clients lose nothing.

    One replica after the other is taken from the gateway, replaced, asked a sample request and
    given back. If one fails, files and replicas go back to what they were (exit 6).
    """
    from tritongen.cli.rolling import rollout
    from tritongen.cli.up import end_on_signals

    end_on_signals()
    request = Request.of(spec, overlays, root, strict=strict)
    rollout(request, timeout_s=timeout_s, drain_s=drain_s, as_json=as_json)
