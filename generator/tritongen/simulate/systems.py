"""Configurations and a profile become a system: what a server would be with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tritongen.errors import MeasureError
from tritongen.records.instances import instances
from tritongen.records.messages import ModelConfig, ModelEnsembling, ModelInput, ModelInstanceGroup
from tritongen.records.profile import Profile, StepProfile
from tritongen.records.system import Route, Station, System, Visit
from tritongen.simulate.timings import table

Configs = Mapping[str, ModelConfig]


def system_of(
    configs: Configs,
    traffic: Mapping[str, float],
    profile: Profile,
    *,
    keys: Mapping[str, str],
    rows: tuple[int, int] = (1, 1),
) -> System:
    """Return what serves ``traffic`` (weights by model) with these configurations.

    ``configs`` holds every model by name, ensembles and their members; ``keys`` says which profile
    is a model's.

    Raises:
        MeasureError: a model has no profile, or is scheduled in a way that is not simulated.
    """
    names: list[str] = []
    routes = []
    for model, weight in traffic.items():
        visits = tuple(_numbered(_Route(configs).visits(model), names))
        routes.append(Route(model=model, visits=visits, weight=weight, rows=rows))
    stations = tuple(_station(configs[name], _step(profile, keys, name)) for name in names)
    return System(
        stations=stations,
        routes=tuple(routes),
        cores=profile.cores,
        overheads=profile.overheads,
    )


def _step(profile: Profile, keys: Mapping[str, str], name: str) -> StepProfile:
    step = profile.steps.get(keys.get(name, ""))
    if step is None:
        raise MeasureError(
            f"it is not known how long model {name!r} takes",
            why="it was not measured as it is now",
            fix="measure it: its files, parameters or kind of instance have changed",
        )
    return step


def _station(config: ModelConfig, step: StepProfile) -> Station:
    if config.HasField("sequence_batching"):
        raise MeasureError(
            f"model {config.name!r} has sequence batching, which is not simulated",
            fix="leave it as it is",
        )
    batching = config.dynamic_batching
    policies = batching.priority_levels or batching.HasField("default_queue_policy")
    return Station(
        model=config.name,
        instances=instances(config),
        max_batch_size=config.max_batch_size,
        ms=table(step, max(config.max_batch_size, 1)),
        batching=config.HasField("dynamic_batching") and config.max_batch_size > 0,
        preferred=tuple(batching.preferred_batch_size),
        delay_us=batching.max_queue_delay_microseconds,
        wakes=any(map(_varies, config.input)),
        early=not policies,
        cpu=step.cpu,
        threads=step.threads,
        gpus=_gpus(config),
        gpu=step.gpu,
        spread=step.spread,
    )


def _gpus(config: ModelConfig) -> tuple[int, ...]:
    """Return the GPUs that a model's instances are on; the first one if none is named."""
    on = [group for group in config.instance_group if group.kind == ModelInstanceGroup.KIND_GPU]
    named = {gpu for group in on for gpu in group.gpus}
    return tuple(sorted(named)) or ((0,) if on else ())


def _varies(tensor: ModelInput) -> bool:
    return -1 in tensor.dims and not tensor.allow_ragged_batch


def _numbered(visits: Sequence["_Visit"], names: list[str]) -> Iterator[Visit]:
    """Give stations their places; ``names`` grows by those that are new."""
    for visit in visits:
        if visit.model not in names:
            names.append(visit.model)
        yield Visit(station=names.index(visit.model), after=tuple(sorted(visit.after)))


@dataclass(frozen=True)
class _Visit:
    model: str
    after: frozenset[int]


class _Route:
    """The visits of a request, found by following tensors through ensembles of ensembles."""

    def __init__(self, configs: Configs) -> None:
        self.configs = configs
        self.found: list[_Visit] = []

    def visits(self, model: str) -> Sequence[_Visit]:
        """Return the visits that a request for a model makes, each behind what it waits for."""
        self._pass(model, frozenset())
        return [_Visit(each.model, self._last(each.after)) for each in self.found]

    def _pass(self, model: str, after: frozenset[int]) -> frozenset[int]:
        """Add the visits of a model that begins after some; return those that end it."""
        config = self.configs[model]
        if not config.HasField("ensemble_scheduling"):
            self.found.append(_Visit(model, after))
            return frozenset([len(self.found) - 1])
        steps = list(config.ensemble_scheduling.step)
        made = {tensor.name: after for tensor in config.input}
        ends: frozenset[int] = frozenset()
        while steps:
            step = next((each for each in steps if _ready(each, made)), steps[0])
            steps.remove(step)
            needed = [made.get(tensor, after) for tensor in step.input_map.values()]
            end = self._pass(step.model_name, after.union(*needed))
            made |= dict.fromkeys(step.output_map.values(), end)
            ends |= end
        return self._last(ends)

    def _last(self, visits: frozenset[int]) -> frozenset[int]:
        """Return those of some visits that are not waited for by others of them."""
        before = frozenset[int]().union(*(self._before(visit) for visit in visits))
        return visits - before

    def _before(self, visit: int) -> frozenset[int]:
        after = self.found[visit].after
        return after.union(*(self._before(each) for each in after))


def _ready(step: ModelEnsembling.Step, made: Mapping[str, object]) -> bool:
    return all(tensor in made for tensor in step.input_map.values())
