"""Write docs/reference/ from the code: ``make docs``; a test says whether it is current."""

import sys
from pathlib import Path

import click

from tritongen.cli import COMMANDS, cli
from tritongen.parts.lints import LINTS
from tritongen.stages.adopt.findings import TABLE as ADOPT
from tritongen.stages.load.codes import CODES
from tritongen.stages.probe.mistakes import TABLE as PROBE
from tritongen.stages.resolve.refusals import TABLE as WIRING

FOLDER = Path(__file__).parent / "reference"

WRITTEN = "<!-- Written from the code by `make docs`. -->\n\n"


def lints() -> str:
    """Every finding with its code: what it means, why it matters, the ways out."""
    parts = [
        "# Findings\n\n",
        WRITTEN,
        "An error is something that Triton would refuse, hang on, die of or answer wrongly; it "
        'ends with exit code 2. A warning is advice. `allow: {TG214: "why"}` in the entry of a '
        "model or ensemble makes what a lint finds there a note with your reason.\n",
        "\n## Reading the spec\n",
    ]
    parts += [f"\n### {code.code}: {code.title}\n\n{code.page}\n" for code in CODES]
    parts.append("\n## Reading model files and Python steps\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in PROBE.items()]
    parts.append("\n## Importing a model repository\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in ADOPT.items()]
    parts.append("\n## Wiring ensembles\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in WIRING.items()]
    parts.append("\n## Lints\n")
    for code, lint in LINTS.items():
        title, _, page = (lint.__doc__ or "").strip().partition("\n\n")
        parts.append(f"\n### {code} ({lint.SEVERITY}): {title}\n\n{page}\n")
    return "".join(parts)


def commands() -> str:
    """Every command with its help."""
    parts = ["# Commands\n\n", WRITTEN, _help(cli, "tritongen")]
    for name in sorted(COMMANDS):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        parts.append(f"\n## tritongen {name}\n\n{_help(command, f'tritongen {name}')}")
    return "".join(parts)


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=90, max_content_width=90)
    return f"```\n{command.get_help(context)}\n```\n"


PAGES = {"findings.md": lints, "commands.md": commands}


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    main()
