"""``tritongen build``: check a spec, then write what it says."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tritongen.stages.stamp import Asked, Reading, absolute, recall, remember

if TYPE_CHECKING:
    from tritongen.records.finding import Finding

# What reads a spec, and what writes on the screen, is imported where it is needed: with an
# unchanged spec nothing is read, and a server is started before anything is said.


@dataclass(kw_only=True)
class Request:
    """What a command was asked to build, and what it has read for it.

    ``needs`` are files that a build makes once, and that are nobody's output.
    """

    spec: Path
    overlays: tuple[Path, ...]
    root: Path
    strict: bool
    reading: Reading = field(default_factory=Reading)
    asked: Asked = field(default_factory=lambda: Asked({}))
    needs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, spec: Path, overlays: Sequence[Path], root: Path | None, *, strict: bool
    ) -> "Request":
        """Return a request; a spec is built into its own folder if no other is named."""
        return cls(spec=spec, overlays=tuple(overlays), root=root or spec.parent, strict=strict)

    @property
    def key(self) -> dict[str, Any]:
        """What has to be the same for a build to be the same, besides the files."""
        specs = [str(path) for path in (self.spec, *self.overlays)]
        return {"folder": str(Path.cwd()), "specs": specs, "strict": self.strict}

    def note(self, asked: Asked, files: Sequence[str]) -> None:
        """Add what was asked of the environment, and files that were used without opening them."""
        self.asked = asked
        self.reading.paths |= {absolute(file) for file in files}

    def unchanged(self) -> Mapping[str, Any] | None:
        """Return what the last build remembered if doing it again would change nothing."""
        result: Mapping[str, Any] | None = recall(self.root, self.key, os.environ)
        if result is not None and not all((self.root / file).exists() for file in result["needs"]):
            return None
        if result is not None and result["findings"]:
            from tritongen.cli.output import show_findings

            show_findings([_finding(row) for row in result["findings"]])
        return result

    def remember(self, findings: "Sequence[Finding]", files: int, serving: Any) -> None:
        """Remember a build that ended well: its findings, its files, and how it is served."""
        result = {
            "findings": [asdict(f) for f in findings],
            "files": files,
            "serving": serving,
            "needs": self.needs,
        }
        remember(self.root, self.key, self.reading, self.asked, result)


def _finding(row: dict[str, Any]) -> "Finding":
    from tritongen.records.finding import Finding, Place

    place = row.pop("place")
    row.pop("edit")  # of use to `check --fix` only
    return Finding(place=Place(**place) if place else None, **row)


def spec_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the spec, its overlays, the output folder and ``--strict``."""
    for decorate in (
        click.option("--strict", is_flag=True, help="Treat warnings as errors."),
        click.option(
            "-o",
            "--output",
            "root",
            type=click.Path(path_type=Path),
            help="Folder to write into; the spec's own if not given.",
        ),
        click.option(
            "-f",
            "--file",
            "overlays",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A file to lay over the spec; may be given several times.",
        ),
        click.argument("spec", type=click.Path(path_type=Path), default="spec.yaml"),
    ):
        command = decorate(command)
    return command


def patience(help_: str) -> Callable[..., Any]:
    """Return the option ``--timeout``: for how many seconds nothing may happen."""
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0, min_open=True),
        default=120,
        show_default=True,
        metavar="SECONDS",
        help=help_,
    )


@click.command(
    epilog="Examples: tritongen build | tritongen build spec.yaml -f prod.yaml -o out --diff"
)
@spec_arguments
@click.option("--check", "only_check", is_flag=True, help="Only say whether files differ (exit 3).")
@click.option("--diff", "only_diff", is_flag=True, help="Only show what would change.")
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
@click.option("--json", "as_json", is_flag=True, help="Write the changes as JSON.")
def command(
    spec: Path,
    overlays: tuple[Path, ...],
    root: Path | None,
    strict: bool,
    only_check: bool,
    only_diff: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Check SPEC, then write the model repository that it describes."""
    request = Request.of(spec, overlays, root, strict=strict)
    if not (only_check or only_diff or as_json) and (done := request.unchanged()):
        show_nothing_to_do(done["files"])
        return
    from tritongen.cli import planning
    from tritongen.cli.output import console, show_findings, show_json
    from tritongen.stages.apply import diff, drift, unified
    from tritongen.stages.render import render

    plan, findings = planning.plan_spec(request)
    show_findings(findings)
    if not (only_check or only_diff):
        changes = planning.write(plan, request.root, force=force)
        request.remember(findings, len(changes), planning.serving_of(plan))
        planning.show_changes(plan, changes, request.root, as_json=as_json)
        return
    tree = render(plan)
    changes = diff(tree, request.root, force=force)
    if only_check:
        changes = drift(changes, request.root, tree)
    if as_json:
        show_json(planning.as_json_rows(changes))
    elif only_diff:
        for change in changes:
            if change.action != "keep":
                console.print(planning.coloured(unified(change)), end="")
    planning.end(changes, only_check=only_check)


def show_nothing_to_do(files: int) -> None:
    """Say that every file is as the spec says."""
    from tritongen.cli.output import console

    what = f"{files} files are" if files != 1 else "1 file is"
    console.print(f"nothing to do: {what} as the spec says", style="green")
