"""Spec and facts become a plan: every value chosen, every tensor wired, each with its reason."""

from collections.abc import Iterator, Mapping

from tritongen.errors import SpecError
from tritongen.parts.serveroptions import CACHE_BYTES
from tritongen.records.facts import Facts
from tritongen.records.finding import Finding
from tritongen.records.plan import Decision, Plan, PlannedModel, Wire
from tritongen.records.release import releases
from tritongen.records.spec import Ensemble, Spec
from tritongen.stages.resolve import refusals
from tritongen.stages.resolve.ensembles import wire
from tritongen.stages.resolve.loadtests import plan_loadtests
from tritongen.stages.resolve.models import complete
from tritongen.stages.resolve.stack import plan_stack
from tritongen.stages.resolve.tune import plan_tune
from tritongen.stages.resolve.wiring import MOST_HINTS


def resolve(spec: Spec, facts: Facts) -> Plan:
    """Decide everything that was left open.

    Raises:
        SpecError: for wiring that can't be done (an unknown model, a tensor with no producer or
            two, a circle) and files that can't stand where they should. What Triton would refuse
            otherwise is found by ``check``.
    """
    models: dict[str, PlannedModel] = {}
    decisions: list[Decision] = []
    wires: list[Wire] = []
    findings: list[Finding] = []
    for name, entry in spec.models.items():
        models[name], chosen, wrong = complete(name, entry, facts, spec.places)
        decisions += chosen
        findings += wrong
    for name in _inside_out(spec, findings):
        models[name], its_wires, chosen, wrong = wire(
            name, spec.ensembles[name], models, spec.places, facts
        )
        wires += its_wires
        decisions += chosen
        findings += wrong
    loadtests, wrong = plan_loadtests(spec, models) if not findings else ({}, [])
    findings += wrong
    tune = None
    if spec.tune is not None and not findings:
        tune, wrong = plan_tune(spec, models, loadtests, spec.tune)
        findings += wrong
    if findings:
        raise SpecError(sorted(findings, key=lambda finding: str(finding.place)))
    release = releases()[spec.triton]
    stack, chosen = plan_stack(spec, models, loadtests, release)
    decisions += [*chosen, *_cache(spec, models)]
    return Plan(
        name=spec.name,
        release=release,
        models=models,
        wires=tuple(wires),
        server=spec.server,
        auto_complete=any(_left_open(model, spec) for model in models.values()),
        decisions=tuple(decisions),
        spec=spec,
        facts=facts,
        loadtests=loadtests,
        stack=stack,
        tune=tune,
    )


def _cache(spec: Spec, models: Mapping[str, PlannedModel]) -> Iterator[Decision]:
    """Decide how large the cache is that models ask for, where the spec does not say."""
    asking = [model.name for model in models.values() if model.config.response_cache.enable]
    if asking and spec.server.response_cache is None:
        yield Decision(
            path=("server", "response_cache", "local", "size"),
            value=f"{CACHE_BYTES // 2**20} MiB",
            source="default",
            why=f"{asking[0]} asks for the response cache",
        )


def _inside_out(spec: Spec, findings: list[Finding]) -> list[str]:
    """Order ensembles so that those inside others come first; leave out what can't be wired."""
    known = {*spec.models, *spec.ensembles}
    left = dict(spec.ensembles)
    for name, entry in spec.ensembles.items():
        for index, step in enumerate(entry.steps):
            if step.model not in known:
                place = spec.places.of("ensembles", name, "steps", index, "model")
                hints = known if len(findings) < MOST_HINTS else ()
                findings.append(refusals.unknown_model(step.model, hints, place))
                left.pop(name, None)
    done = _members_first(left, spec)
    for name in done:
        del left[name]
    if circle := _circle(spec, list(left)):
        place = spec.places.of("ensembles", circle[0])
        findings.append(refusals.ensemble_circle(circle, place))
    return done


def _members_first(ensembles: Mapping[str, Ensemble], spec: Spec) -> list[str]:
    """Order ensembles behind those that they contain, without those that never can be."""
    inner = {
        name: {step.model for step in entry.steps} - set(spec.models)
        for name, entry in ensembles.items()
    }
    outer: dict[str, list[str]] = {}
    for name, members in inner.items():
        for member in members:
            outer.setdefault(member, []).append(name)
    missing = {name: len(members) for name, members in inner.items()}
    done = [name for name, count in missing.items() if not count]
    for name in done:  # grows while it is walked
        for container in outer.get(name, ()):
            missing[container] -= 1
            if not missing[container]:
                done.append(container)
    return done


def _circle(spec: Spec, left: list[str]) -> list[str]:
    """Return ensembles of which each contains the next, and the last the first; or nothing."""
    if not left:
        return []
    walk = [left[0]]
    while walk[-1] not in walk[:-1]:
        inner = [step.model for step in spec.ensembles[walk[-1]].steps if step.model in left]
        if not inner:
            return []  # it waits for an ensemble that has a finding of its own
        walk.append(inner[0])
    return walk[walk.index(walk[-1]) : -1]


def _left_open(model: PlannedModel, spec: Spec) -> bool:
    """Tell whether Triton has to complete a model: nothing said its tensors, nothing read them."""
    if model.kind in ("ensemble", "external"):
        return False
    return not spec.models[model.name].complete or not (model.config.input or model.config.output)
