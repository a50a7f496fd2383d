"""What may move, with all values: those said, and those that follow from what was measured."""

from collections.abc import Iterator, Mapping

from tritongen.errors import SpecError
from tritongen.parts import parameters
from tritongen.parts.parameters import Known
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import LOAD, SERVER, Dimension, Host, Space
from tritongen.records.tune import Candidates, PlannedTune, Value
from tritongen.stages.tune import load
from tritongen.stages.tune.settings import read_value, restarts

LEAST_BUSY = 0.05
"""A step that is hardly used tells nothing of what it could do."""


def space_of(plan: Plan, tune: PlannedTune, host: Host, measured: Measurement | None) -> Space:
    """Return what may move, once the start was measured (``None``: it failed).

    Raises:
        SpecError: nothing can be another way than it is.
    """
    test = plan.loadtests[tune.loadtest]
    dimensions: list[Dimension] = []
    for model, chosen in tune.search.items():
        known = _known(tune, host, test, measured, model)
        for path, said in chosen.items():
            dimensions += _dimension(plan, model, path, said, known)
    for path, said in tune.server.items():
        dimensions += _dimension(plan, SERVER, path, said, Known())
    if not dimensions:
        reasons = "; ".join(f"{name}: {why}" for name, why in tune.pinned.items())
        raise SpecError(
            "there is nothing to search: every parameter has one value only here",
            why=reasons or f"on {host.cores or 1:g} cores and {host.gpus} GPUs",
            fix="give a parameter several values: `search: {model: {max_batch_size: 1..32}}`",
        )
    if tune.goal == "throughput" and load.is_paced(test):
        dimensions.append(_rate(test, measured))
    return Space(tuple(dimensions))


def _dimension(
    plan: Plan, model: str, path: str, said: Candidates, known: Known
) -> Iterator[Dimension]:
    """Yield it, unless it can't be another way; what the spec has is always one of the values."""
    start = read_value(plan, model, path)
    values = said if said is not None else _usual(plan, model, path, known)
    if start not in values:
        values = (start, *values)
    if all(isinstance(value, int) for value in values):
        values = tuple(sorted(values, key=_number))
    if len(values) > 1:
        yield Dimension(
            model=model,
            parameter=path,
            values=tuple(values),
            start=start,
            restart=restarts(model, path),
        )


def _usual(plan: Plan, model: str, path: str, known: Known) -> tuple[Value, ...]:
    return tuple(parameters.MODEL[path].usual(plan.models[model].config, known))


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _known(
    tune: PlannedTune,
    host: Host,
    test: PlannedLoadTest,
    measured: Measurement | None,
    model: str,
) -> Known:
    patience = [getattr(tune.limits, name) for name in ("p50", "p90", "p95", "p99", "p999")]
    least_s = min((each for each in patience if each is not None), default=None)
    return Known(
        cores=host.cores or 1.0,
        gpus=host.gpus,
        rows=load.most_rows([test]),
        service_ms=_service_ms(measured, model),
        patience_ms=None if least_s is None else 1000 * least_s,
        users=load.most_users(test),
    )


def _service_ms(measured: Measurement | None, model: str) -> Mapping[int, float]:
    times = measured.server.model(model) if measured and measured.server else None
    return times.batch_ms if times else {}


def _rate(test: PlannedLoadTest, measured: Measurement | None) -> Dimension:
    """Return the rate as something that moves: how much can be asked is what is looked for."""
    now = load.rate_of(test)
    values, start = load.rates(now, _capacity(now, measured))
    return Dimension(model=SERVER, parameter=LOAD, values=values, start=start)


def _capacity(now: float, measured: Measurement | None) -> float:
    """Return what the start could do if its busiest step were busy all the time."""
    if measured is None or measured.bottleneck is None:
        return now
    busiest = max((step.utilisation for step in measured.bottleneck.steps), default=0.0)
    return max(measured.throughput_rps / max(busiest, LEAST_BUSY), now)
