"""How a running server is shown: its models, its addresses, a request to copy."""

import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tritongen.cli.output import console, relative
from tritongen.errors import EngineError
from tritongen.parts.engines import NAMES, Name, find
from tritongen.records.endpoint import Endpoint
from tritongen.records.messages import ModelConfig
from tritongen.triton import ModelState, Statistics, Triton

MOST_ROWS = 40
UNLIMITED = 1000
MOST_VALUES = 32
NOT_IN_JSON = {"FP16", "BF16"}
STATES = {"READY": "green", "LOADING": "yellow", "UNLOADING": "yellow"}


def root_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the spec and the output folder, as `up` has them."""
    for decorate in (
        click.option(
            "-o",
            "--output",
            "root",
            type=click.Path(path_type=Path),
            help="Folder that was built into; the spec's own if not given.",
        ),
        click.argument("spec", type=click.Path(path_type=Path), default="spec.yaml"),
    ):
        command = decorate(command)
    return command


def engine_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the engine to look at."""
    return click.option(
        "--engine", type=click.Choice(NAMES), help="Look at this one; at any, if not said."
    )(command)


def running(root: Path, engine: Name | None = None) -> Endpoint:
    """Return what runs for a folder; raise ``EngineError`` if nothing does."""
    endpoint = find(root, os.environ, engine)
    if endpoint is None:
        raise EngineError(
            f"no server is running in {root.resolve()}",
            fix="start one with `tritongen up`, or name its folder with -o",
        )
    return endpoint


def show_served(endpoint: Endpoint, triton: Triton) -> None:
    """Write models, addresses and a request that can be copied to stdout."""
    states = triton.index()
    configs = configurations(triton, states)
    show_table(models_table(states, configs))
    show_table(addresses_table(endpoint))
    if configs and endpoint.http:
        console.print()
        for line in example_requests(endpoint, entry(configs)):
            console.print(Text(f"  {line}"))


def show_table(table: Table) -> None:
    """Write a table to stdout, set off from what stands above; cut only by a terminal's width."""
    console.print()
    if not console.is_terminal:
        console.width = UNLIMITED
    console.print(Padding.indent(table, 2))


def configurations(triton: Triton, states: Sequence[ModelState]) -> dict[str, ModelConfig]:
    """Return the configuration of every ready model, as the server has it."""
    ready = dict.fromkeys(row.name for row in states if row.state == "READY")
    return {name: triton.config(name) for name in ready}


def models_table(
    states: Sequence[ModelState],
    configs: Mapping[str, ModelConfig],
    statistics: Sequence[Statistics] | None = None,
) -> Table:
    """Lay out the models with their versions, and their counters if there are any."""
    counts = {(row.name, row.version): row for row in statistics or ()}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("model", "version", "state", "served by", "batch"):
        table.add_column(column)
    for column in ("requests", "failed", "executions") if statistics is not None else ():
        table.add_column(column, justify="right")
    for row in states[:MOST_ROWS]:
        config = configs.get(row.name, ModelConfig())
        cells: list[str | Text] = [
            Text(row.name, style="bold"),
            row.version or "-",
            Text(row.state or "not loaded", style=STATES.get(row.state, "red")),
            config.backend or config.platform,
            f"up to {config.max_batch_size}" if config.max_batch_size else "-",
        ]
        if statistics is not None:
            cells += _counters(counts.get((row.name, row.version)))
        table.add_row(*cells)
    if len(states) > MOST_ROWS:
        table.add_row(Text(f"and {len(states) - MOST_ROWS} more", style="dim"))
    return table


def _counters(row: Statistics | None) -> list[str | Text]:
    if row is None:
        return ["-", "-", "-"]
    failed = Text(str(row.fail_count), style="red" if row.fail_count else "")
    return [str(row.success_count), failed, str(row.execution_count)]


def addresses_table(endpoint: Endpoint) -> Table:
    """Lay out where the server answers and where its log is."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows = {
        "http": f"http://{endpoint.http}" if endpoint.http else "",
        "grpc": endpoint.grpc,
        "metrics": f"http://{endpoint.metrics}/metrics" if endpoint.metrics else "",
        "log": relative(Path(endpoint.log)),
    }
    for label, value in rows.items():
        if value:
            table.add_row(Text(label, style="dim"), Text(value))
    return table


def entry(configs: Mapping[str, ModelConfig]) -> ModelConfig:
    """Return the model that users are likeliest to call: an ensemble that no other one calls."""
    called = {
        step.model_name for config in configs.values() for step in config.ensemble_scheduling.step
    }
    uncalled = [config for name, config in configs.items() if name not in called]
    return max(uncalled or [*configs.values()], key=lambda c: len(c.ensemble_scheduling.step))


def where(endpoint: Endpoint) -> str:
    """Return the option that names the server's folder, empty in that folder itself."""
    root = Path(endpoint.log).parent.parent.parent
    return "" if root == Path.cwd() else f" -o {shlex.quote(relative(root))}"


def example_requests(endpoint: Endpoint, config: ModelConfig) -> list[str]:
    """Return commands that send the model a request it takes; curl where JSON can carry it."""
    lines = [f"tritongen infer {shlex.quote(config.name)}{where(endpoint)}"]
    body = example_body(config)
    if body:
        address = shlex.quote(f"http://{endpoint.http}/v2/models/{config.name}/infer")
        data = shlex.quote(json.dumps(body))
        lines.append(f"curl {address} -H 'Content-Type: application/json' -d {data}")
    return lines


def example_body(config: ModelConfig) -> dict[str, Any] | None:
    """Return the JSON of one valid request, ``None`` where it would be long or can't be JSON."""
    from tritongen.stages.infer import gather, generate, signature

    model = signature(config)
    types = {tensor.name: tensor.datatype for tensor in model.inputs}
    if model.decoupled or config.HasField("sequence_batching"):
        return None
    arrays = gather(model, generate(model))
    if NOT_IN_JSON & {types[name] for name in arrays}:
        return None
    if sum(array.size for array in arrays.values()) > MOST_VALUES:
        return None
    rows = [
        {
            "name": name,
            "shape": list(array.shape),
            "datatype": types[name],
            "data": [_plain(value) for value in array.ravel().tolist()],
        }
        for name, array in arrays.items()
    ]
    return {"inputs": rows}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return round(value, 3) if isinstance(value, float) else value
