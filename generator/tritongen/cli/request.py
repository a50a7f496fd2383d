"""From the command line of ``tritongen infer`` to the request that it sends."""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Any

from rich.text import Text

from tritongen.cli.answers import Answers
from tritongen.cli.infer import Asked
from tritongen.cli.output import STYLES, messages
from tritongen.errors import EngineError, SpecError
from tritongen.records.finding import did_you_mean
from tritongen.records.loadtest import HEADER_NAME
from tritongen.records.messages import ModelConfig
from tritongen.stages.infer import (
    Body,
    Signature,
    gather,
    generate,
    given,
    read_body,
    signature,
)
from tritongen.triton import ModelState, Request, Response, Triton, TritonError

LAST_PORT = 65535


def infer(asked: Asked) -> None:
    """Send the request and show the answers as they come."""
    with connect(asked) as triton:
        expected = signature(known_config(triton, asked))
        request = build(asked, expected)
        if not asked.inputs and asked.body is None:
            tell_generated(expected)
        show = Answers(request, expected, as_json=asked.as_json, save=asked.save)
        for response in send(triton, asked, request, expected):
            show.add(response)
    show.end()


def connect(asked: Asked) -> Triton:
    """Return a client of ``--url``, or of the server that runs for the spec."""
    from tritongen.parts import engines

    headers = dict(map(read_header, asked.headers))
    if asked.url:
        return Triton(headers=headers, **{asked.protocol: address(asked.url)})
    root = asked.output_root or asked.spec.parent
    endpoint = engines.find(root, os.environ)
    if endpoint is None:
        raise EngineError(
            f"no server runs for {root.resolve()}",
            fix=f"start one with `tritongen up {asked.spec}`, or name one with --url HOST:PORT",
        )
    return Triton(http=endpoint.http, grpc=endpoint.grpc, headers=headers)


def read_header(said: str) -> tuple[str, str]:
    """Return name and value of a header, in small letters as gRPC wants the name."""
    name, colon, value = said.partition(":")
    # What was typed is not shown again: most of it is a secret.
    if not (colon and HEADER_NAME.fullmatch(name)):
        raise SpecError(
            "--header: no name", fix="write NAME: VALUE, as 'Authorization: Bearer KEY'"
        )
    if not (value.strip() and value.isascii() and value.isprintable()):
        raise SpecError(
            f"--header {name}: no value that can be sent", fix="write printable ASCII on one line"
        )
    return name.lower(), value.strip()


def address(url: str) -> str:
    """Return ``host:port`` of what was given as ``--url``, after its scheme if that means TLS."""
    found = re.fullmatch(r"(?:(?P<tls>(?:http|grpc)s://)|\w+://)?(?P<place>[^\s/]+:\d{1,5})/?", url)
    if not found or int(found["place"].rpartition(":")[2]) > LAST_PORT:
        raise SpecError(f"--url {url}: no HOST:PORT", fix="write it like 127.0.0.1:8001")
    return f"{found['tls'] or ''}{found['place']}"


def known_config(triton: Triton, asked: Asked) -> ModelConfig:
    """Return the model's configuration; if there is none, say what the server has."""
    try:
        return triton.config(asked.model, asked.version, protocol=asked.protocol)
    except TritonError as error:
        try:
            rows = triton.index(protocol=asked.protocol)
        except TritonError:  # a gateway in front of it does not say
            raise error from None
        raise absent(asked, rows, error) from error


def absent(asked: Asked, rows: Sequence[ModelState], error: TritonError) -> SpecError | EngineError:
    """Return why a model can't be asked: not there, another version, or not ready."""
    ready = sorted({row.name for row in rows if row.state == "READY"})
    mine = [row for row in rows if row.name == asked.model]
    versions = [row.version for row in mine if row.state == "READY"]
    why = f"ready here: {', '.join(ready) or 'no model'}"
    if not mine:
        return SpecError(
            f"the server has no model {asked.model!r}", why=why,
            fix=did_you_mean(asked.model, ready),
        )  # fmt: skip
    if versions and asked.version:
        return SpecError(
            f"{asked.model} has no version {asked.version!r} that is ready",
            fix=f"ask for {' or '.join(versions)}, or leave out --model-version",
        )
    if versions:
        return error
    states = "; ".join(f"{row.state or 'never loaded'} {row.reason}".strip() for row in mine)
    return EngineError(
        f"{asked.model} is not ready: {states}", why=why, fix="see `tritongen logs` for the reason"
    )


def build(asked: Asked, expected: Signature) -> Request:
    """Return the request that was asked for."""
    body = Body(inputs={})
    if asked.body is not None:
        body = read_body(read(asked.body), asked.body, expected)
    values = {**body.inputs, **given(expected, read_inputs(asked.inputs, expected))}
    if not asked.inputs and asked.body is None:
        values.update(generate(expected, asked.batch))
    names = {output.name: output for output in expected.outputs}
    outputs = asked.outputs or body.outputs
    for name in outputs:
        if name not in names:
            raise expected.unknown("output", name, names)
    classes = {name: count for name, count in body.classes.items() if name in outputs}
    if asked.classes:
        outputs = outputs or tuple(names)
        classes = {name: asked.classes for name in outputs if names[name].datatype != "BYTES"}
    return Request(
        model=asked.model,
        version=asked.version,
        inputs=gather(expected, values, asked.batch),
        outputs=outputs,
        classes=classes,
        parameters=read_parameters(asked.parameters, body),
    )


def send(triton: Triton, asked: Asked, request: Request, expected: Signature) -> Iterator[Response]:
    """Yield the answers: one, or those of a decoupled model as they come."""
    if not expected.decoupled:
        yield triton.infer(request, protocol=asked.protocol, timeout_s=asked.timeout_s)
        return
    if asked.protocol == "http":
        raise SpecError(
            f"{asked.model} is decoupled: it may answer none, one or many times",
            why="Triton's HTTP endpoint takes no such request",
            fix="ask it with --protocol grpc",
        )
    yield from triton.stream(request, timeout_s=asked.timeout_s)


def read_inputs(
    said: Sequence[str], expected: Signature
) -> dict[str, list[str | tuple[str, bytes]]]:
    """Return the values of ``--input`` by name, files read."""
    values: dict[str, list[str | tuple[str, bytes]]] = {}
    for pair in said:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SpecError(
                f"--input {pair}: no value",
                why=expected.expects(),
                fix="write NAME=VALUE or NAME=@FILE",
            )
        found = files(value[1:]) if value.startswith("@") else [value]
        values.setdefault(name, []).extend(found)
    return values


def files(pattern: str) -> list[str | tuple[str, bytes]]:
    """Return name and content of a file, or of all that a pattern matches, in order."""
    if pattern == "-" or Path(pattern).exists():
        return [(pattern, read(pattern))]
    matching = glob(pattern, recursive=True)  # noqa: PTH207, Path's takes no absolute pattern
    names = sorted(name for name in matching if Path(name).is_file())
    if not names:
        return [(pattern, read(pattern))]
    return [(name, read(name)) for name in names]


def read(name: str) -> bytes:
    """Return a file's bytes, or stdin's for ``-``."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        near = [path.name for path in Path(name).parent.glob("*")]
        raise SpecError(
            f"{name}: {error.strerror}",
            fix=did_you_mean(Path(name).name, near) or "name a file that can be read",
        ) from error


def read_parameters(said: Sequence[str], body: Body) -> dict[str, Any]:
    """Return the request's parameters, each as the type that it looks like."""
    parameters = dict(body.parameters)
    for pair in said:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SpecError(f"--request-parameter {pair}: no value", fix="write KEY=VALUE")
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        parameters[key] = parsed if isinstance(parsed, bool | int | float | str) else value
    for key, value in parameters.items():
        if key.startswith("triton_") or key in {"headers", "binary_data_output"}:
            raise SpecError(f"the request parameter {key!r} is Triton's own", fix="leave it out")
        if not isinstance(value, bool | int | float | str):
            raise SpecError(f"the request parameter {key!r} is neither text, number nor bool")
    return parameters


def tell_generated(expected: Signature) -> None:
    """Say that the input means nothing."""
    note = f"no input given: it was generated; {expected.expects()}"
    messages.print(Text.assemble(("note", STYLES["note"]), "  ", note))
