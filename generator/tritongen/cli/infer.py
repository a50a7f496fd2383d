"""``tritongen infer``: one request to a running model, and what it answered."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

OUT = "\0"
"""``--json`` without a file."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command line, as it was typed."""

    model: str
    spec: Path
    output_root: Path | None
    url: str | None
    protocol: Literal["grpc", "http"]
    headers: tuple[str, ...]
    inputs: tuple[str, ...]
    body: str | None
    batch: int | None
    outputs: tuple[str, ...]
    classes: int
    parameters: tuple[str, ...]
    version: str
    timeout_s: float
    save: Path | None
    as_json: bool


@click.command(
    "infer",
    no_args_is_help=True,
    epilog="Examples: tritongen infer filetype | "
    "tritongen infer filetype --input content=@README.md --classes 3 | "
    "tritongen infer filetype --json request.json --save answers",
)
@click.argument("model", required=False)
@click.option("-s", "--spec", type=click.Path(path_type=Path), default="spec.yaml",
              show_default=True, help="The spec whose running server is asked.")  # fmt: skip
@click.option("-o", "output_root", metavar="DIR", type=click.Path(path_type=Path),
              help="The folder that was built into, if not the spec's.")  # fmt: skip
@click.option("--url", metavar="HOST:PORT", help="Any other server; a port of --protocol.")
@click.option("--protocol", type=click.Choice(["grpc", "http"]), default="grpc",
              show_default=True)  # fmt: skip
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
              help="Sent along, as a gateway's key: 'Authorization: Bearer KEY'.")  # fmt: skip
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE|NAME=@FILE",
              help="A value (numbers, lists, text), or a file: raw bytes, .npy, .json. "
              "Several of one name, or *.png, are rows of a batch; @- is stdin.")  # fmt: skip
@click.option("--json", "json_", multiple=True, is_flag=False, flag_value=OUT,
              metavar="[BODY]", help="With a file or -: the request body as JSON. "
              "Alone: show the answer as JSON.")  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), metavar="N",
              help="Rows to send: one row is repeated, generated ones differ.")  # fmt: skip
@click.option("--output", "outputs", multiple=True, metavar="NAME",
              help="Only this output; may be repeated.")  # fmt: skip
@click.option("--classes", type=click.IntRange(min=1), metavar="K",
              help="The K best classes, with labels.")  # fmt: skip
@click.option("--request-parameter", "parameters", multiple=True, metavar="KEY=VALUE")
@click.option("--model-version", "version", default="", metavar="V")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), default=60.0,
              show_default=True, metavar="SECONDS")  # fmt: skip
@click.option("--save", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
              help="Write each output there: .npy, or .bin for BYTES.")  # fmt: skip
def command(model: str | None, json_: tuple[str, ...], **said: Any) -> None:
    """Send one request to MODEL and show what it answers.

    Without input, valid input is generated; inputs that are optional are left out.
    """
    bodies = [value for value in json_ if value != OUT]
    as_json = OUT in json_
    if model is None and bodies:
        # `--json MODEL`: the option took the model for its file.
        model, as_json = bodies.pop(), True
    if model is None or len(bodies) > 1:
        raise click.UsageError("name one MODEL, and at most one --json BODY")
    said["classes"] = said["classes"] or 0

    from tritongen.cli.request import infer

    infer(Asked(model=model, body=bodies[0] if bodies else None, as_json=as_json, **said))
