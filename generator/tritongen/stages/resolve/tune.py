"""``tune:`` with everything decided: under which load, for what, within what, what moves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tritongen.errors import SpecError
from tritongen.parts import parameters
from tritongen.parts.parameters import Known, NotAValueError
from tritongen.records.finding import Finding, SpecPath
from tritongen.records.loadtest import PlannedLoadTest, Slo
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.scalars import quote
from tritongen.records.spec import Spec
from tritongen.records.tune import Candidates, Goal, Limits, PlannedTune, Tune, Value
from tritongen.records.units import RANGE
from tritongen.stages.resolve import tuning

ANY = Known(cores=64, gpus=1)
"""Whatever makes sense on some machine; what does on this one is known when it is measured."""
FITTEST: Mapping[Goal, Sequence[str]] = {
    "throughput": ("closed", "poisson", "constant"),
    "p99": ("poisson", "constant", "closed"),
    "cost": ("poisson", "constant", "closed"),
}
"""Laws of arrival by how well they tell settings apart; others take the time that they say."""
FEW = 16
"""A range of so many whole numbers is taken whole."""


@dataclass
class _Reading:
    """What is found while ``tune:`` is read."""

    spec: Spec
    models: Mapping[str, PlannedModel]
    findings: list[Finding] = field(default_factory=list)


def plan_tune(
    spec: Spec,
    models: Mapping[str, PlannedModel],
    loadtests: Mapping[str, PlannedLoadTest],
    said: Tune,
) -> tuple[PlannedTune | None, list[Finding]]:
    """Return the search that ``said`` asks for, or what is wrong with it."""
    reading = _Reading(spec, models)
    test = _loadtest(reading, said, loadtests)
    if test is None:
        return None, reading.findings
    reached = list(_reached(test, models, spec))
    search, pinned = _search(reading, said, reached)
    server = _server(reading, said)
    _check_movable(reading, {**search, "": server}, pinned)
    planned = PlannedTune(
        loadtest=test.name,
        goal=said.goal,
        limits=_limits(said, test),
        search=search,
        server=server,
        pinned=pinned,
        trials=said.budget.trials,
        seconds=said.budget.time,
        method=said.method,
        seed=said.seed,
        window_s=said.window,
        prices=said.prices,
    )
    return (None if reading.findings else planned), reading.findings


def tuned_as(plan: Plan, said: Tune) -> PlannedTune:
    """Return the search that ``said`` asks for of a plan.

    Raises:
        SpecError: it can't be done.
    """
    planned, findings = plan_tune(plan.spec, plan.models, plan.loadtests, said)
    if planned is None:
        raise SpecError(findings)
    return planned


# ---- under which load ----


def _loadtest(
    reading: _Reading, said: Tune, tests: Mapping[str, PlannedLoadTest]
) -> PlannedLoadTest | None:
    place = reading.spec.places.of("tune", "loadtest")
    if not reading.spec.loadtests:
        reading.findings.append(tuning.no_loadtest(place))
        return None
    if said.loadtest is not None:
        if said.loadtest not in reading.spec.loadtests:
            names = reading.spec.loadtests
            reading.findings.append(tuning.unknown("load test", said.loadtest, names, place))
        return tests.get(said.loadtest)
    order = FITTEST[said.goal]
    ranked = sorted(tests.values(), key=lambda test: _rank(test, order))
    return ranked[0] if ranked else None


def _rank(test: PlannedLoadTest, order: Sequence[str]) -> tuple[int, bool]:
    law = next(name for name in type(test.arrivals).model_fields if getattr(test.arrivals, name))
    return (order.index(law) if law in order else len(order)), not test.slo


def _limits(said: Tune, test: PlannedLoadTest) -> Limits:
    """Return the limits that were said, and for the rest the objectives of the load test."""
    slo = test.slo.get("") or (test.slo.get(test.traffic[0].model) if _alone(test) else None)
    own = {key: getattr(slo, key) for key in Slo.model_fields} if slo else {}
    given = {key: getattr(said.constraints, key) for key in said.constraints.model_fields_set}
    return Limits.model_construct(**{**own, **given})


def _alone(test: PlannedLoadTest) -> bool:
    return len(test.traffic) == 1


def _reached(
    test: PlannedLoadTest, models: Mapping[str, PlannedModel], spec: Spec
) -> Iterator[str]:
    """Yield the models that requests of a load test pass, each once, in their order."""
    ahead = [traffic.model for traffic in test.traffic]
    seen: set[str] = set()
    while ahead:
        name = ahead.pop(0)
        if name in seen or name not in models:
            continue
        seen.add(name)
        steps = [step.model_name for step in models[name].config.ensemble_scheduling.step]
        called = spec.models[name].calls if name in spec.models else ()
        ahead = [*steps, *called, *ahead]
        if not steps:
            yield name


# ---- what moves ----


def _search(
    reading: _Reading, said: Tune, reached: Sequence[str]
) -> tuple[dict[str, dict[str, Candidates]], dict[str, str]]:
    for name in said.search:
        if name not in reached:
            place = reading.spec.places.of("tune", "search", name)
            reading.findings.append(_not_reached(reading, name, reached, place))
    search: dict[str, dict[str, Candidates]] = {}
    pinned: dict[str, str] = {}
    for name in reached:
        model = reading.models[name]
        if name in said.search:
            chosen = _chosen(reading, model, said.search[name])
            pinned |= {} if said.search[name] else {name: "it is pinned"}
        else:
            why = _unmoved(model)
            chosen = {} if why else _usual(model)
            pinned |= {name: why} if why else {}
        if chosen:
            search[name] = chosen
        elif name not in pinned:
            pinned[name] = "nothing of it can move"
    return search, pinned


def _not_reached(reading: _Reading, name: str, reached: Sequence[str], place: Any) -> Finding:
    if name not in reading.models:
        return tuning.unknown("model", name, reached, place)
    return tuning.unreached(name, reached, place)


def _unmoved(model: PlannedModel) -> str:
    """Say why a model is left as it is unless the spec says otherwise; empty if it is not."""
    if model.kind == "external":
        return "its configuration is another repository's"
    if model.config.HasField("sequence_batching"):
        return "it has sequence batching: its sequences keep their instances"
    return ""


def _usual(model: PlannedModel) -> dict[str, Candidates]:
    return {
        path: None
        for path, parameter in parameters.MODEL.items()
        if len(parameter.usual(model.config, ANY)) > 1
    }


def _chosen(
    reading: _Reading, model: PlannedModel, said: Mapping[str, Any]
) -> dict[str, Candidates]:
    chosen: dict[str, Candidates] = {}
    for path, values in said.items():
        where: SpecPath = ("tune", "search", model.name, path)
        place = reading.spec.places.of(*where)
        if path not in parameters.MODEL:
            known = parameters.MODEL
            reading.findings.append(tuning.unknown("parameter", path, known, place))
            continue
        parameter = parameters.MODEL[path]
        why = (
            _unmoved(model)
            if model.kind == "external"
            else parameter.wrong(model.config, parameter.read(model.config) or 1)
        )
        if why:
            reading.findings.append(tuning.immovable(model.name, path, why, place))
            continue
        read = _values(reading, path, parameter.parse, values, where)
        for value in read or ():
            if why := parameter.wrong(model.config, value):
                reading.findings.append(tuning.impossible(path, str(value), why, place))
        chosen[path] = read
    return chosen


def _server(reading: _Reading, said: Tune) -> dict[str, Candidates]:
    chosen: dict[str, Candidates] = {}
    for path, values in said.server.items():
        where: SpecPath = ("tune", "server", path)
        place = reading.spec.places.of(*where)
        if path not in parameters.SERVER:
            known = parameters.SERVER
            reading.findings.append(tuning.unknown("parameter of the server", path, known, place))
        elif values is None:
            reading.findings.append(tuning.no_values(path, place))
        else:
            chosen[path] = _values(reading, path, parameters.SERVER[path].parse, values, where)
    return chosen


def _values(reading: _Reading, path: str, parse: Any, said: Any, where: SpecPath) -> Candidates:
    """Return the values that were said, in the order of the spec; ``None`` for those that fit."""
    if said is None:
        return None
    texts = said if isinstance(said, list) else _spread(said) if isinstance(said, str) else []
    found: list[Value] = []
    for number, text in enumerate(texts):
        try:
            found.append(parse(text))
        except NotAValueError as error:
            place = reading.spec.places.of(*where, number)
            shown = quote(text) if isinstance(text, str) else str(text)
            reading.findings.append(tuning.impossible(path, shown, f"it wants {error}", place))
    if not texts:
        reading.findings.append(tuning.no_values(path, reading.spec.places.of(*where)))
    return tuple(dict.fromkeys(found))


def _spread(text: str) -> list[str]:
    """Return the numbers of a range, ``1..4``: all of a few, else powers of two and the ends."""
    match = RANGE.fullmatch(text)
    if not match or not match[2] or "." in match[1] + match[2] or "-" in text:
        return [text]
    low, high = int(match[1]), int(match[2])
    if high - low < FEW and not match[3]:
        return [str(each) for each in range(low, high + 1)]
    doubled = {1 << power for power in range(31) if low <= 1 << power <= high}
    return [str(each) for each in sorted({low, high, *doubled})]


def _check_movable(
    reading: _Reading, search: Mapping[str, Mapping[str, Candidates]], pinned: Mapping[str, str]
) -> None:
    """Refuse a search in which nothing can be another way than it is."""
    if reading.findings:
        return
    for name, chosen in search.items():
        for path, values in chosen.items():
            now = parameters.MODEL[path].read(reading.models[name].config) if name else None
            if values is None or set(values) - {now}:
                return
    reading.findings.append(tuning.nothing_moves(pinned, reading.spec.places.of("tune", "search")))
