"""What a plan uses that the embedded 24.10 release does not have, and the plan without it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from google.protobuf.message import Message

from tritongen.parts.engines.embedded.options import refusal
from tritongen.parts.serveroptions import flags, server_options
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan
from tritongen.records.release import Release
from tritongen.records.scalars import Record
from tritongen.records.views import used_fields

R = TypeVar("R", bound=Record)

OWN_FOLDERS = "the embedded engine lays out backends and caches itself"
LACKING = {
    "response_cache.redis": "the embedded server comes without the cache library for Redis",
    "backend_directory": OWN_FOLDERS,
    "cache_directory": OWN_FOLDERS,
    "repoagent_directory": "the embedded server comes without repository agents",
}


@dataclass(frozen=True, kw_only=True)
class Newer:
    """A field that the engine lacks; ``why`` says since when it is.

    Of a model's configuration, or an option of the server, whose ``model`` is then ``None``.
    """

    model: str | None
    field: str
    why: str

    def __str__(self) -> str:
        return f"{self.model or 'the server'} uses {self.field}: {self.why}"


def newer_things(plan: Plan, engine: Release) -> list[Newer]:
    """Return every field that the engine would refuse, the outermost ones only."""
    found = []
    for model in plan.models.values():
        lacking = {
            field: why for field in used_fields(model.config) if (why := engine.lacks(field))
        }
        outermost = [f for f in lacking if not any(f.startswith(g + ".") for g in lacking)]
        found += [Newer(model=model.name, field=f, why=lacking[f]) for f in outermost]
    return [*found, *_options(plan, engine)]


def _options(plan: Plan, engine: Release) -> Iterator[Newer]:
    """Yield the options that this server does not have, and those that it can't be asked with."""
    refused = {
        option.name: why
        for option in server_options(plan)
        if (why := refusal(option.name, option.value or ""))
    }
    for path, flag in flags(plan.server):
        option = ".".join(path)
        if why := engine.lacks(f"flag:{flag}") or LACKING.get(option) or refused.get(flag):
            yield Newer(model=None, field=option, why=why)


def without(plan: Plan, newer: list[Newer], engine: Release) -> Plan:
    """Return the plan for the engine's release, those fields left out."""
    models = dict(plan.models)
    server = plan.server
    for thing in newer:
        if thing.model is None:
            server = _unsaid(server, thing.field.split("."))
            continue
        config = ModelConfig()
        config.CopyFrom(models[thing.model].config)
        _clear(config, thing.field.split("."))
        models[thing.model] = replace(models[thing.model], config=config)
    return replace(plan, release=engine, models=models, server=server)


def _unsaid(record: R, path: list[str]) -> R:
    """Return a record in which an option, or a setting of it, is not said."""
    name, *inner = path
    value = _unsaid(getattr(record, name), inner) if inner else None
    return record.model_copy(update={name: value})


def _clear(message: Message, path: list[str]) -> None:
    for name in path[:-1]:
        message = getattr(message, name)
    message.ClearField(path[-1])
