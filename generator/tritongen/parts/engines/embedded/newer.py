"""What a plan uses that the 24.10 release does not have, and the plan without it."""

from dataclasses import dataclass, replace

from google.protobuf.message import Message

from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan
from tritongen.records.release import Release
from tritongen.records.views import used_fields


@dataclass(frozen=True, kw_only=True)
class Newer:
    """A field of a model's configuration that the engine lacks; ``why`` says since when it is."""

    model: str
    field: str
    why: str


def newer_things(plan: Plan, engine: Release) -> list[Newer]:
    """Return every field that the engine would refuse, the outermost ones only."""
    found = []
    for model in plan.models.values():
        lacking = {
            field: why for field in used_fields(model.config) if (why := engine.lacks(field))
        }
        outermost = [f for f in lacking if not any(f.startswith(g + ".") for g in lacking)]
        found += [Newer(model=model.name, field=f, why=lacking[f]) for f in outermost]
    return found


def without(plan: Plan, newer: list[Newer], engine: Release) -> Plan:
    """Return the plan for the engine's release, those fields left out."""
    models = dict(plan.models)
    for thing in newer:
        config = ModelConfig()
        config.CopyFrom(models[thing.model].config)
        _clear(config, thing.field.split("."))
        models[thing.model] = replace(models[thing.model], config=config)
    return replace(plan, release=engine, models=models)


def _clear(message: Message, path: list[str]) -> None:
    for name in path[:-1]:
        message = getattr(message, name)
    message.ClearField(path[-1])
