"""Requests for every load test, made from the models' tensors or read from files."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from tritongen.errors import HostError, ToolMissingError
from tritongen.records.finding import Finding, SpecPath
from tritongen.records.loadtest import PlannedLoadTest, PlannedTraffic, Samples
from tritongen.records.paths import CACHE
from tritongen.records.plan import Plan
from tritongen.records.tree import Copy
from tritongen.records.units import Range
from tritongen.stages.payloads import unique
from tritongen.stages.payloads.generate import draw
from tritongen.stages.payloads.make import make
from tritongen.stages.payloads.sample import Sample, payload
from tritongen.stages.payloads.trace import read_trace
from tritongen.triton.signature import signature
from tritongen.triton.values import WrongValueError

__all__ = ["payloads"]

OWNER = "loadtests"
FEW = 10_000
"""Fewer different requests than this are soon all in a response cache."""

Mistake = WrongValueError | OSError | ToolMissingError


def payloads(plan: Plan, root: Path) -> tuple[Plan, tuple[Finding, ...]]:
    """Return the plan with the requests of its load tests, and what is wrong or unwise in them.

    Payload files are kept below ``root/.tritongen/cache`` by their hash.

    Raises:
        HostError: that folder can't be written.
    """
    made, findings = {}, list[Finding]()
    for name, test in plan.loadtests.items():
        traffic = []
        for number, each in enumerate(test.traffic):
            numbers = np.random.default_rng([test.seed, number])
            try:
                described, wise = _requests(plan, test, each, numbers, root)
            except (WrongValueError, OSError, ToolMissingError) as error:
                findings.append(_finding(plan, (*each.path, "data"), each.model, error))
                continue
            findings += wise
            traffic.append(replace(each, samples=described))
        made[name] = replace(test, traffic=tuple(traffic))
        try:
            made[name] = read_trace(plan, made[name])
        except (WrongValueError, OSError) as error:
            where = (*test.path, "arrivals", "trace")
            findings.append(_finding(plan, where, "the trace", error))
    return replace(plan, loadtests=made), tuple(findings)


def _requests(
    plan: Plan,
    test: PlannedLoadTest,
    traffic: PlannedTraffic,
    numbers: np.random.Generator,
    root: Path,
) -> tuple[Samples, list[Finding]]:
    config = plan.models[traffic.model].config
    model = signature(config)
    outputs = {tensor.name: tuple(tensor.dims) for tensor in config.output}
    base = plan.spec.base(*traffic.path, "data")
    samples = make(model, outputs, traffic.data, base, numbers)
    if traffic.expect and traffic.expect.answers and not any(each.outputs for each in samples):
        raise WrongValueError("`expect` wants the data's outputs, and it has none")
    datatypes = {
        "inputs": {tensor.name: tensor.datatype for tensor in model.inputs},
        "outputs": {tensor.name: tensor.datatype for tensor in model.outputs},
    }
    data = payload(samples, datatypes)
    rows = [next(iter(model.rows(each.inputs).values()), 1) for each in samples]
    described = Samples(
        entry=_place(data, root),
        count=len(samples),
        rows=sum(rows) / len(rows),
        outputs=tuple(dict.fromkeys(name for each in samples for name in each.outputs)),
        sequences=tuple(_sequences(samples, traffic.data.sequence, numbers))
        if stateful(plan, traffic.model)
        else (),
        unique=unique.place(samples, model) if test.unique else None,
    )
    return described, list(_cached(plan, test, traffic, len(samples)))


def stateful(plan: Plan, name: str) -> bool:
    """Tell whether a model, or a step of an ensemble, keeps state between requests."""
    config = plan.models[name].config
    steps = config.ensemble_scheduling.step
    return config.HasField("sequence_batching") or any(
        stateful(plan, step.model_name) for step in steps
    )


def _sequences(
    samples: Sequence[Sample], said: Range, numbers: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Yield the first sample and the length of each sequence."""
    first = 0
    for _, group in groupby(samples, key=lambda each: each.stream):
        left = len(list(group))
        while left:
            drawn = left if samples[first].stream is not None else draw(numbers, said)
            length = max(1, min(left, drawn))
            yield first, length
            first, left = first + length, left - length


def _place(data: bytes, root: Path) -> Copy:
    """Keep a payload file in the cache; what is there under its hash is the same file."""
    digest = hashlib.sha256(data).hexdigest()
    path = root.absolute() / CACHE / "payloads" / f"{digest}.npz"
    try:
        if not path.is_file() or path.stat().st_size != len(data):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".new")
            draft.write_bytes(data)
            draft.replace(path)
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error.strerror}") from error
    return Copy(source=str(path), sha256=digest, size_bytes=len(data), owner=OWNER)


def _cached(
    plan: Plan, test: PlannedLoadTest, traffic: PlannedTraffic, count: int
) -> Iterator[Finding]:
    """Note that a response cache would answer most requests."""
    config = plan.models[traffic.model].config
    members = [plan.models[step.model_name].config for step in config.ensemble_scheduling.step]
    cached = [each.name for each in (config, *members) if each.response_cache.enable]
    if cached and not test.unique and count < FEW:
        yield Finding(
            code="TG705",
            severity="warning",
            place=plan.places.of(*traffic.path, "data"),
            message=f"{test.name} has {count} different requests, and {cached[0]} has a response "
            "cache",
            why="after the first round the cache answers, and the figures are those of the cache",
            fix="write `unique: true`, or give more data",
        )


def _finding(plan: Plan, path: SpecPath, what: str, error: Mistake) -> Finding:
    message, why, fix = f"{what}: {error}", "", ""
    if isinstance(error, ToolMissingError):
        message, why, fix = error.message, error.why, error.fix
    elif isinstance(error, OSError):
        message = f"{error.filename}: {error.strerror}"
    place = plan.places.of(*path)
    return Finding(code="TG704", severity="error", place=place, message=message, why=why, fix=fix)
