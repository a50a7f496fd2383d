"""A setting becomes a plan: the configurations that a server has to be given for it."""

from collections.abc import Mapping
from dataclasses import replace

from tritongen.parts import parameters
from tritongen.records.instances import instances
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.study import LOAD, SERVER, Setting
from tritongen.records.tune import Value


def apply_setting(plan: Plan, setting: Setting) -> Plan:
    """Return the plan with a setting's values; the given one stays as it is.

    Of ensembles, ``max_batch_size`` follows their steps' where the spec does not say it, and never
    exceeds them.
    """
    by_model: dict[str, dict[str, Value]] = {}
    for (name, path), value in setting.by_key.items():
        by_model.setdefault(name, {})[path] = value
    server = plan.server
    for path, value in by_model.pop(SERVER, {}).items():
        if path != LOAD:
            server = parameters.SERVER[path].write(server, value)
    models = dict(plan.models)
    for name, values in by_model.items():
        models[name] = _with(models[name], values)
    for name, model in models.items():  # members stand before the ensembles that contain them
        if model.config.HasField("ensemble_scheduling"):
            models[name] = _following(plan, model, models)
    return replace(plan, models=models, server=server)


def replicated(plan: Plan, replicas: int) -> Plan:
    """Return a plan as if all replicas were one server: each model has the instances of all."""
    if replicas == 1:
        return plan
    return replace(plan, models={n: _times(model, replicas) for n, model in plan.models.items()})


def _times(model: PlannedModel, replicas: int) -> PlannedModel:
    if not (one := instances(model.config)):
        return model
    config = ModelConfig()
    config.CopyFrom(model.config)
    if not config.instance_group:
        config.instance_group.add(count=one)
    for group in config.instance_group:
        group.count = max(group.count, 1) * replicas
    return replace(model, config=config)


def _with(model: PlannedModel, values: Mapping[str, Value]) -> PlannedModel:
    config = ModelConfig()
    config.CopyFrom(model.config)
    for path, parameter in parameters.MODEL.items():
        if path in values:
            parameter.write(config, values[path])
    return replace(model, config=config)


def _following(plan: Plan, model: PlannedModel, models: Mapping[str, PlannedModel]) -> PlannedModel:
    steps = [step.model_name for step in model.config.ensemble_scheduling.step]
    sizes = [models[step].config.max_batch_size for step in steps]
    now, most = model.config.max_batch_size, min(sizes, default=0)
    entry = plan.spec.ensembles.get(model.name)
    if entry is not None and "max_batch_size" in entry.said:
        most = min(now, most)
    if not now or not most or most == now:
        return model
    return _with(model, {"max_batch_size": most})


def setting_of(plan: Plan, keys: Mapping[tuple[str, str], object]) -> Setting:
    """Return the values that a plan has now, of these (model, path)."""
    return Setting.of({key: read_value(plan, *key) for key in keys if key != (SERVER, LOAD)})


def read_value(plan: Plan, model: str, path: str) -> Value:
    """Return what a plan has now."""
    if model == SERVER:
        return parameters.SERVER[path].read(plan.server)
    return parameters.MODEL[path].read(plan.models[model].config)


def changed_models(before: Plan, after: Plan) -> tuple[str, ...]:
    """Return the models whose configurations differ, members before ensembles of them."""
    return tuple(
        name
        for name, model in after.models.items()
        if model.config.SerializeToString(deterministic=True)
        != before.models[name].config.SerializeToString(deterministic=True)
    )


def needs_restart(setting: Setting, other: Setting) -> bool:
    """Tell whether going from one setting to the other needs another server."""
    return any(restarts(*key) for key, _, _ in setting.unlike(other))


def restarts(model: str, path: str) -> bool:
    """Tell whether a parameter can't be changed by a load with a ``config`` override."""
    if model == SERVER:
        return path != LOAD
    return parameters.MODEL[path].RESTART


def written(path: str, value: Value) -> bool | int | str | list[int]:
    """Return a value as a spec says it."""
    if isinstance(value, tuple):
        return list(value)
    if path == "instance_group.kind":
        return str(value).removeprefix("KIND_").lower()
    return value
