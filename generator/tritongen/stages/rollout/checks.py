"""One request for each model that clients ask, and what is wrong with its answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tritongen.records.loadtest import PlannedLoadTest, PlannedTraffic
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan, short_type
from tritongen.triton.values import NUMPY, Array, encoded


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an output is held to; ``data`` are its bytes, ``None`` where any value will do."""

    datatype: str
    shape: tuple[int, ...]
    data: bytes | None = None
    rtol: float = 0.0
    atol: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """A request, as its protobuf message, and what its answer's outputs are held to."""

    model: str
    request: Any
    outputs: Mapping[str, Expected] = field(default_factory=dict)
    timeout_s: float = 60.0


def checks(plan: Plan, generated: Mapping[str, Mapping[str, Array]]) -> tuple[Check, ...]:
    """Return a check for each model: the first request of its load test, else a generated one.

    ``generated`` are arrays by input, for the models that no load test asks. Decoupled models and
    those that keep state take no single request; they are left out.
    """
    found: dict[str, Check] = {}
    for test in plan.loadtests.values():
        for each in test.traffic:
            if each.model not in found and asked_once(plan, each.model) and each.samples:
                found[each.model] = _from_load_test(plan.models[each.model].config, test, each)
    for name, arrays in generated.items():
        if name not in found:
            rows = {key: (value.shape, encoded(value)) for key, value in arrays.items()}
            found[name] = _check(plan.models[name].config, rows)
    return tuple(found.values())


def unasked(plan: Plan) -> list[str]:
    """Return the models that clients ask (no ensemble does) and that no load test asks."""
    tested = {each.model for test in plan.loadtests.values() for each in test.traffic}
    inner = {step.model_name for _, _, step in plan.steps()}
    return [
        name
        for name, model in plan.models.items()
        if name not in tested | inner and model.kind != "external" and asked_once(plan, name)
    ]


def asked_once(plan: Plan, name: str) -> bool:
    """Tell whether a single request gets a single answer from a model."""
    names = [name, *(step.model_name for model, _, step in plan.steps() if model.name == name)]
    kept = any(plan.models[each].config.HasField("sequence_batching") for each in names)
    return not kept and not plan.decoupled(name)


def wrong(check: Check, answer: Any) -> Iterator[str]:
    """Yield what is wrong with an answer (``ModelInferResponse``), in words."""
    raw = dict(zip([row.name for row in answer.outputs], answer.raw_output_contents, strict=False))
    rows = {row.name: row for row in answer.outputs}
    for name, expected in check.outputs.items():
        if name not in rows:
            yield f"{check.model} answers without {name}"
            continue
        row = rows[name]
        if row.datatype != expected.datatype or not _fits(row.shape, expected.shape):
            found = f"{row.datatype}{list(row.shape)}"
            yield f"{name} of {check.model} is {found}, not {expected.datatype}" + str(
                list(expected.shape)
            )
        elif expected.data is not None and not _same(raw.get(name, b""), expected):
            yield f"{name} of {check.model} is not what its load test expects"


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(shape) == len(wanted) and all(
        want in (-1, size) for size, want in zip(shape, wanted, strict=True)
    )


def _same(data: bytes, expected: Expected) -> bool:
    assert expected.data is not None, "asked only where there is something to compare"
    kind = NUMPY.get(expected.datatype)
    if kind is None or kind.kind != "f" or len(data) != len(expected.data):
        return data == expected.data
    found, wanted = (np.frombuffer(each, kind) for each in (data, expected.data))
    return np.allclose(found, wanted, rtol=expected.rtol, atol=expected.atol, equal_nan=True)


def _from_load_test(config: ModelConfig, test: PlannedLoadTest, traffic: PlannedTraffic) -> Check:
    assert traffic.samples is not None, "asked only of those that have some"
    with np.load(Path(getattr(traffic.samples.entry, "source", "")), allow_pickle=False) as arrays:
        inputs = dict(_first(arrays, "inputs"))
        outputs = dict(_first(arrays, "outputs")) if "outputs.names" in arrays else {}
    expect = traffic.expect
    said = outputs if expect and expect.answers else {}
    tolerance = (expect.rtol, expect.atol) if expect else (0.0, 0.0)
    return _check(config, inputs, said, tolerance, test.timeout_s, test.parameters)


def _first(arrays: Any, role: str) -> Iterator[tuple[str, tuple[tuple[int, ...], bytes]]]:
    """Yield shape and bytes of the tensors of a payload file's first sample, by name."""
    for number, name in enumerate(arrays[f"{role}.names"].tolist()):
        key = f"{role}.{number}"
        if f"{key}.given" in arrays and not arrays[f"{key}.given"][0]:
            continue
        end = int(arrays[f"{key}.ends"][0])
        yield (
            name,
            (tuple(arrays[f"{key}.shapes"][0].tolist()), arrays[f"{key}.data"][:end].tobytes()),
        )


def _check(
    config: ModelConfig,
    inputs: Mapping[str, tuple[tuple[int, ...], bytes]],
    answers: Mapping[str, tuple[tuple[int, ...], bytes]] | None = None,
    tolerance: tuple[float, float] = (0.0, 0.0),
    timeout_s: float = 60.0,
    parameters: Mapping[str, str | int | bool] | None = None,
) -> Check:
    from tritonclient.grpc import service_pb2

    types = {tensor.name: short_type(tensor.data_type) for tensor in config.input}
    request = service_pb2.ModelInferRequest(model_name=config.name)
    for name, (shape, data) in inputs.items():
        request.inputs.add(name=name, datatype=types[name], shape=shape)
        request.raw_input_contents.append(data)
    for name, value in (parameters or {}).items():
        kind = {bool: "bool_param", int: "int64_param", str: "string_param"}[type(value)]
        setattr(request.parameters[name], kind, value)
    batch = (-1,) if config.max_batch_size else ()
    known = answers or {}
    return Check(
        model=config.name,
        request=request,
        timeout_s=timeout_s,
        outputs={
            tensor.name: Expected(
                datatype=short_type(tensor.data_type),
                shape=(*batch, *tensor.dims),
                data=known[tensor.name][1] if tensor.name in known else None,
                rtol=tolerance[0],
                atol=tolerance[1],
            )
            for tensor in config.output
        },
    )
