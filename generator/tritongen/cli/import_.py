"""``tritongen import``: a spec that builds an existing model repository back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from tritongen.cli.output import console, messages, relative, show_findings, show_json
from tritongen.errors import HostError, SpecError
from tritongen.stages.adopt import Adopted, Rebuild, Rebuilt, adopt


@click.command(
    epilog="Examples: tritongen import model_repository | tritongen import /models -o serving.yaml"
)
@click.argument("repository", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="spec.yaml",
    show_default=True,
    help="The spec to write.",
)
@click.option("--force", is_flag=True, help="Overwrite the spec if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Write what was imported as JSON.")
def command(repository: Path, output: Path, force: bool, as_json: bool) -> None:
    """Write a spec that builds REPOSITORY back: the same configurations, the same files.

    The repository is read and never changed. What can't be imported is named with its place and a
    likely repair, and left out; the exit code is 2 only if nothing could be imported.
    """
    _require(repository, output, force=force)
    with rebuilder(output) as rebuild, messages.status("importing"):
        adopted = adopt(repository, output.parent, rebuild)
    _write(output, adopted.text)
    if as_json:
        show_json(_as_json(output, adopted))
        return
    show_findings(adopted.findings)
    _show(output, adopted)


def _require(repository: Path, output: Path, *, force: bool) -> None:
    if output.is_dir():
        raise SpecError(f"{output} is a folder", fix=f"name a file: -o {output / 'spec.yaml'}")
    if os.path.lexists(output) and not force:
        fix = "name another file with -o, or overwrite it with --force"
        raise SpecError(f"{output} is there already", fix=fix)
    inside = output.resolve().is_relative_to(repository.resolve())
    if inside and repository.is_dir():
        raise SpecError(
            f"{output} would stand inside the repository",
            why="an imported repository is not changed, and Triton reads every folder in it",
            fix=f"name a file outside: -o {repository.resolve().parent / 'spec.yaml'}",
        )
    if not output.absolute().parent.is_dir():
        raise SpecError(f"there is no folder {output.parent}", fix=f"mkdir -p {output.parent}")


@contextmanager
def rebuilder(output: Path) -> Iterator[Rebuild]:
    """Give what builds the text of a spec as if it stood in ``output``, without writing the result.

    The text stands beside ``output`` for the time, since paths in it start there.
    """
    from tritongen.stages.check import check
    from tritongen.stages.load import load
    from tritongen.stages.probe import probe
    from tritongen.stages.render import render
    from tritongen.stages.resolve import resolve

    folder = output.parent
    with (
        _host_errors(output),
        NamedTemporaryFile(dir=folder, prefix=".import-", suffix=".yaml") as file,
    ):
        path = folder / Path(file.name).name

        def rebuild(text: str) -> Rebuilt:
            path.write_text(text, "utf-8")
            spec = load([path], {})
            plan = resolve(spec, probe(spec, folder))
            return Rebuilt(tree=render(plan), check=partial(check, plan))

        yield rebuild


@contextmanager
def _host_errors(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostError(
            f"{output} can't be written: {error.strerror or error}",
            fix="check the folder's permissions and the space on its disk",
        ) from error


def _write(output: Path, text: str) -> None:
    """Write the spec whole or not at all."""
    new = output.with_name(f".{output.name}.{os.getpid()}")
    with _host_errors(output):
        try:
            new.write_text(text, "utf-8")
            new.replace(output)
        finally:
            new.unlink(missing_ok=True)


def _show(output: Path, adopted: Adopted) -> None:
    ensembles = sum(form.as_ensemble for form in adopted.forms.values())
    counts = {"model": len(adopted.forms) - ensembles, "ensemble": ensembles}
    said = " and ".join(f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items() if n)
    wrong = [
        f"{len(names)} {what}: {', '.join(names)}"
        for what, names in (("left out", adopted.left_out), ("different", adopted.different))
        if names
    ]
    equal = "" if adopted.different else "; built back, they are equal"
    console.print(f"{said} imported into {relative(output)}{equal}", style="green")
    for line in wrong:
        console.print(line, style="yellow")


def _as_json(output: Path, adopted: Adopted) -> dict[str, object]:
    return {
        "spec": str(output),
        "models": [
            {
                "name": name,
                "kind": "ensemble" if form.as_ensemble else "model",
                "complete": form.complete,
                "equal": name not in adopted.different,
            }
            for name, form in adopted.forms.items()
        ],
        "external": list(adopted.external),
        "left_out": list(adopted.left_out),
        "findings": [asdict(finding) for finding in adopted.findings],
    }
