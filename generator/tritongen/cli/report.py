"""``tritongen report``: a result of a load test, or a study, as a page for people."""

from pathlib import Path

import click

from tritongen.cli.files import replace
from tritongen.cli.output import console, relative
from tritongen.errors import SpecError
from tritongen.records.measurement import Measurement
from tritongen.records.study import Study


@click.command(epilog="Example: tritongen report .tritongen/results/steady-1.json -o steady.html")
@click.argument("result", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Where to write the page; beside RESULT if not said.")  # fmt: skip
def command(result: Path, output: Path | None) -> None:
    """Write RESULT, of `tritongen load` or `tune`, as one HTML page that needs nothing else."""
    path = output or result.with_suffix(".html")
    if result.suffix == ".jsonl":
        from tritongen.stages.tune import read_study

        write_study(read_study(result), path)
    else:
        from tritongen.stages.measure import read_measurement

        write_report(read_measurement(result), path)
    console.print(f"written: {relative(path)}")


def write_report(measurement: Measurement, path: Path) -> None:
    """Write the page of a measurement.

    Raises:
        SpecError: what the load program told is not whole.
        HostError: the page can't be written.
    """
    from tritongen.stages.report import render_report

    try:
        page = render_report(measurement)
    except (ValueError, KeyError) as error:
        raise SpecError(
            "what the load program told is not whole in this result",
            why=str(error) if isinstance(error, ValueError) else f"there is no {error}",
            fix="run the load test again",
        ) from error
    replace(path, page)


def write_study(study: Study, path: Path) -> None:
    """Write the page of a study.

    Raises:
        HostError: the page can't be written.
    """
    from tritongen.stages.report import render_study

    replace(path, render_study(study))
