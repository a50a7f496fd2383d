"""Load tests with everything decided: which models, how long, held to what."""

from collections.abc import Iterator, Mapping

from tritongen.records.finding import Finding, SpecPath
from tritongen.records.loadtest import (
    LoadTest,
    PlannedLoadTest,
    PlannedTraffic,
    Slo,
    Traffic,
)
from tritongen.records.plan import PlannedModel
from tritongen.records.spec import Spec
from tritongen.stages.resolve import refusals

DURATION_S = 60.0
WARMUP_S = 5.0
WARMUP_SHARE = 0.1
"""A short test is not mostly warm-up: a tenth of it, at most five seconds."""


def plan_loadtests(
    spec: Spec, models: Mapping[str, PlannedModel]
) -> tuple[dict[str, PlannedLoadTest], list[Finding]]:
    """Return the load tests by name, and what can't be tested."""
    findings = [
        refusals.unmeasured_model(name, models, spec.places.of("slo", name))
        for name in spec.slo
        if name not in models
    ]
    planned = {}
    for name, test in spec.loadtests.items():
        path: SpecPath = ("loadtests", name)
        wrong = list(_wrong(spec, path, test, models))
        findings += wrong
        if not wrong:
            planned[name] = _planned(spec, name, test)
    return planned, findings


def _traffic(test: LoadTest, path: SpecPath) -> Iterator[tuple[str, Traffic, SpecPath]]:
    """Yield each model with what is sent to it, and where that stands."""
    if test.model is not None:
        yield test.model, Traffic(data=test.data, expect=test.expect), path
    for name, traffic in (test.models or {}).items():
        yield name, traffic, (*path, "models", name)


def _wrong(
    spec: Spec, path: SpecPath, test: LoadTest, models: Mapping[str, PlannedModel]
) -> Iterator[Finding]:
    for model, traffic, where in _traffic(test, path):
        key = "model" if where == path else ""
        place = spec.places.of(*where, key) if key else spec.places.of(*where)
        if model not in models:
            yield refusals.unmeasured_model(model, models, place)
            continue
        inputs = {tensor.name for tensor in models[model].config.input}
        if not inputs:
            yield refusals.unknown_tensors(model, place)
            continue
        for name in traffic.data.inputs:
            if name not in inputs:
                at = spec.places.of(*where, "data", "inputs", name)
                yield refusals.unknown_input(model, name, inputs, at)
        if test.protocol != "grpc-stream" and _decoupled(model, models):
            at = spec.places.of(*path, "protocol")
            yield refusals.streams_only(model, test.protocol, at)
    if test.duration is not None and test.arrivals.stages:
        yield refusals.two_durations(spec.places.of(*path, "duration"))
    if test.max_in_flight is not None and test.arrivals.closed:
        yield refusals.users_in_flight(spec.places.of(*path, "max_in_flight"))
    if test.models is not None and "data" in test.model_fields_set:
        yield refusals.whose_data(next(iter(test.models), "m"), spec.places.of(*path, "data"))


def _decoupled(name: str, models: Mapping[str, PlannedModel]) -> bool:
    config = models[name].config
    return config.model_transaction_policy.decoupled or any(
        _decoupled(step.model_name, models) for step in config.ensemble_scheduling.step
    )


def _planned(spec: Spec, name: str, test: LoadTest) -> PlannedLoadTest:
    path: SpecPath = ("loadtests", name)
    traffic = tuple(
        PlannedTraffic(model=model, weight=t.weight, data=t.data, expect=t.expect, path=where)
        for model, t, where in _traffic(test, path)
    )
    stages = test.arrivals.stages or ()
    duration_s = test.duration or sum(stage.duration for stage in stages) or DURATION_S
    warmup_s = test.warmup if test.warmup is not None else _warmup(duration_s)
    slo = {each.model: spec.slo[each.model] for each in traffic if each.model in spec.slo}
    own: dict[str, Slo] = {"": test.slo} if test.slo else {}
    return PlannedLoadTest(
        name=name,
        protocol=test.protocol,
        traffic=traffic,
        arrivals=test.arrivals,
        duration_s=duration_s,
        warmup_s=warmup_s,
        timeout_s=test.timeout,
        headers=test.headers,
        parameters={key: _parameter(text) for key, text in test.parameters.items()},
        slo=own or slo,
        seed=test.seed,
        unique=test.unique,
        lag_limit=test.lag_limit,
        max_in_flight=test.max_in_flight,
        path=path,
    )


def _warmup(duration_s: float) -> float:
    return min(WARMUP_S, round(WARMUP_SHARE * duration_s, 3))


def _parameter(text: str) -> str | int | bool:
    """Read a request parameter as what it looks like, as ``tritongen infer`` does."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 19 else text
