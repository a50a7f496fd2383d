"""Write docs/reference/ from the code: ``make docs``; a test says whether it is current."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tritongen.cli import COMMANDS, cli
from tritongen.parts.lints import LINTS
from tritongen.records.keys import Key, keys
from tritongen.stages.adopt.findings import TABLE as ADOPT
from tritongen.stages.draw import pictures, svg
from tritongen.stages.load import load
from tritongen.stages.load.codes import CODES
from tritongen.stages.probe import probe
from tritongen.stages.probe.mistakes import TABLE as PROBE
from tritongen.stages.resolve import resolve
from tritongen.stages.resolve.refusals import LOAD_TABLE as LOAD_TESTS
from tritongen.stages.resolve.refusals import TABLE as WIRING
from tritongen.stages.resolve.tuning import TUNE_TABLE as TUNING
from tritongen.stages.schema import own_keys, schema
from tritongen.stages.schema.messages import descriptors
from tritongen.stages.schema.values import TEXT

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent

WRITTEN = "<!-- Written from the code by `make docs`. -->\n\n"


def lints() -> str:
    """Every finding with its code: what it means, why it matters, the ways out."""
    parts = [
        "# Findings\n\n",
        WRITTEN,
        "An error is something that Triton would refuse, hang on, die of or answer wrongly; it "
        'ends with exit code 2. A warning is advice. `allow: {TG214: "why"}` in the entry of a '
        "model or ensemble makes what a lint finds there a note with your reason; so does a "
        "comment at the end of the line that it names: `# tritongen: allow TG214 why`.\n",
        "\n## Reading the spec\n",
    ]
    parts += [f"\n### {code.code}: {code.title}\n\n{code.page}\n" for code in CODES]
    parts.append("\n## Reading model files and Python steps\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in PROBE.items()]
    parts.append("\n## Importing a model repository\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in ADOPT.items()]
    parts.append("\n## Wiring ensembles\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in WIRING.items()]
    parts.append("\n## Load tests\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in LOAD_TESTS.items()]
    parts.append("\n## Tuning\n")
    parts += [f"\n### {code}\n\n{text}\n" for code, text in TUNING.items()]
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
    context = click.Context(
        command,
        info_name=name,
        terminal_width=90,
        max_content_width=90,
        help_option_names=cli.context_settings["help_option_names"],
    )
    return f"```\n{command.get_help(context)}\n```\n"


def spec() -> str:
    """Every key of a spec: what it means, what it takes, what is so without it."""
    parts = [
        "# Every key\n\n",
        WRITTEN,
        "What a spec can say, key by key. How it is said stands in [the spec](../spec.md); "
        "`tritongen schema` writes the same for editors. An entry of `models:` takes the keys of "
        "Model and all of Triton's ModelConfig; an entry of `ensembles:` those of Ensemble, and of "
        "ModelConfig all but its schedulers. Where Triton repeats a field, one value is a list of "
        "one.\n",
    ]
    definitions = schema()["definitions"]
    for owner, values in own_keys().items():
        parts.append(_keys(owner, values, keys()[owner]))
    for owner in descriptors():
        if owner in keys():
            properties = (definitions["Model"] if owner == "ModelConfig" else definitions[owner])[
                "properties"
            ]
            parts.append(_keys(owner, properties, keys()[owner]))
    return "".join(parts)


def _keys(owner: str, values: Mapping[str, Any], said: Mapping[str, Key]) -> str:
    head = "| key | takes | meaning | if left out |\n| --- | --- | --- | --- |\n"
    rows = []
    for name, key in said.items():
        value = values[name]
        default = value.get("default", key.default)
        shown = "" if default in (None, "") else f"`{json.dumps(default)}`".replace('"', "")
        meaning = value.get("description", key.text)
        rows.append(f"| `{name}` | {_takes(value)} | {meaning} | {shown} |\n")
    return f"\n## {owner}\n\n{head}{''.join(rows)}"


def _takes(value: Mapping[str, Any]) -> str:
    """Say in a few words what a schema accepts."""
    if "$ref" in value:
        return _linked(value["$ref"].removeprefix("#/definitions/"))
    if "anyOf" in value:
        refs = [option["$ref"] for option in value["anyOf"] if "$ref" in option]
        if refs:
            return _linked(refs[0].removeprefix("#/definitions/") + "[]")
        return _choices([one for option in value["anyOf"] for one in option.get("enum", ())])
    types = value.get("type", [])
    kinds = {"integer": "whole number", "boolean": "`true`, `false`", "object": "mapping"}
    found = [word for kind, word in kinds.items() if kind in types]
    is_text = "string" in types and not found
    number = value.get("pattern", "").startswith("^[+-]?[0-9.]")
    found = ["number" if number else "text"] if is_text else found[:1]
    if types == list(TEXT["type"]) or types == [*TEXT["type"], "array"]:
        found = ["text"]
    return " or ".join([*found, *(["list"] if "array" in types else [])]) or "`1`"


def _linked(target: str) -> str:
    name = target.removesuffix("[]")
    if name in ("input", "output"):
        return "tensors"
    many = " or list" if target.endswith("[]") else ""
    return f"[{name}](#{name.lower().replace('.', '')}){many}"


def _choices(names: Sequence[str | None]) -> str:
    if "FP32" in names:
        return "a data type"
    shown = [f"`{name}`" for name in names if name is not None]
    return ", ".join(shown) if len(shown) <= 12 else f"{shown[0]} to {shown[-1]}"


def picture() -> str:
    """The example at the repository's root."""
    loaded = load([ROOT / "spec.yaml"], {})
    return svg(pictures(resolve(loaded, probe(loaded, ROOT))))


PAGES = {
    "reference/findings.md": lints,
    "reference/commands.md": commands,
    "reference/spec.md": spec,
    "filetype.svg": picture,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        path = FOLDER / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), "utf-8")
        sys.stdout.write(f"docs/{name}\n")


if __name__ == "__main__":
    main()
