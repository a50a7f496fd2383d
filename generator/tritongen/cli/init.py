"""``tritongen init``: a first spec from model files."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from tritongen.cli.files import refuse_existing, replace, write_new
from tritongen.cli.output import console, messages, relative, show_findings
from tritongen.errors import SpecError
from tritongen.records.finding import Finding
from tritongen.records.paths import STATE
from tritongen.stages.begin import Found, default_name, draft, find, write
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve
from tritongen.stages.schema import schema


@click.command(
    epilog="Examples: tritongen init model.onnx | tritongen init features.py model.onnx verdict.py "
    "| tritongen init models/ -o serving/spec.yaml"
)
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="spec.yaml",
    show_default=True,
    help="The spec to write; it is never overwritten.",
)
def command(models: tuple[Path, ...], output: Path) -> None:
    """Write a first spec from MODELS: model files, Python files with a plain function, folders.

    Models whose tensors fit become an ensemble. Without MODELS, those of the current folder are
    taken. The spec passes `tritongen check`; its comments say what to change.
    """
    refuse_existing(output)
    folder = output.absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    found = find(models or (Path(),), folder)
    with messages.status("reading the models"):
        text, findings = _tried(default_name(output), found, folder)
    write_new(output, text)
    replace(folder / STATE / "spec.schema.json", json.dumps(schema(), ensure_ascii=False) + "\n")
    show_findings([dataclasses.replace(finding, place=None) for finding in findings])
    count = len(found)
    console.print(f"{relative(output)}: {count} model{'' if count == 1 else 's'}", style="green")
    console.print("next  tritongen check, then tritongen up", style="dim")


def _tried(name: str, found: Sequence[Found], folder: Path) -> tuple[str, tuple[Finding, ...]]:
    """Return a spec that passes the check, with an ensemble if it does with one; and its findings.

    Raises:
        SpecError: a model can't be read, or alone cannot be served.
    """
    with NamedTemporaryFile(dir=folder, prefix=".init-", suffix=".yaml") as file:
        path = Path(file.name)
        path.write_text(draft(found), "utf-8")
        try:
            facts = probe(load([path], {}), folder)
        except SpecError as error:
            raise SpecError([_beside(path, finding) for finding in error.findings]) from error
        for chained in (True, False):
            text = write(name, found, facts, chained=chained)
            path.write_text(text, "utf-8")
            findings = _check(path, folder)
            if not any(finding.severity == "error" for finding in findings):
                return text, findings
    raise SpecError(
        "these models cannot be served as they are",
        why="\n".join(finding.message for finding in findings),
        fix="\n".join(dict.fromkeys(finding.fix for finding in findings if finding.fix)),
    )


def _beside(path: Path, finding: Finding) -> Finding:
    """Take the place away from a finding in the draft at ``path``, which nobody will see."""
    own = finding.place is not None and Path(finding.place.file) == path
    return dataclasses.replace(finding, place=None) if own else finding


def _check(path: Path, folder: Path) -> tuple[Finding, ...]:
    try:
        spec = load([path], {})
        return check(resolve(spec, probe(spec, folder)))
    except SpecError as error:
        return error.findings
