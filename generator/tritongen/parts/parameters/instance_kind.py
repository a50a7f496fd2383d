"""``instance_group.kind``: the CPU or a GPU."""

from collections.abc import Sequence
from typing import Any, Final

from tritongen.parts import backends
from tritongen.parts.parameters._parameter import Known, NotAValueError
from tritongen.records.instances import instances
from tritongen.records.messages import ModelConfig, ModelInstanceGroup
from tritongen.records.tune import Value

RESTART: Final = False
BOTH = frozenset({"onnxruntime", "pytorch", "tensorflow"})
"""Their files run on either."""
KINDS = {"auto": "KIND_AUTO", "cpu": "KIND_CPU", "gpu": "KIND_GPU", "model": "KIND_MODEL"}


def parse(said: Any) -> str:
    """Read ``cpu`` or ``KIND_CPU``."""
    name = said.upper() if isinstance(said, str) else ""
    found = KINDS.get(name.lower(), name)
    if found not in KINDS.values():
        raise NotAValueError(f"one of {', '.join(KINDS)}")
    return found


def read(config: ModelConfig) -> str:
    """Return the kind of the first group, ``KIND_AUTO`` without groups."""
    if not config.instance_group:
        return "KIND_AUTO"
    return ModelInstanceGroup.Kind.Name(config.instance_group[0].kind)


def write(config: ModelConfig, value: Value) -> None:
    """Set the kind of the first group; off the GPU it has none, and as many instances."""
    if not config.instance_group:
        count = instances(config)
        config.instance_group.add(count=count)
    group = config.instance_group[0]
    group.kind = ModelInstanceGroup(kind=str(value)).kind
    if value == "KIND_CPU":
        del group.gpus[:]


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return both where there is a GPU and the model's file runs on either."""
    if not known.gpus or wrong(config, "KIND_CPU") or backends.name_of(config) not in BOTH:
        return ()
    return ["KIND_CPU", "KIND_GPU"]


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse several groups, and kinds that the backend does not load."""
    if len(config.instance_group) > 1:
        return f"{config.name} has several instance groups"
    kinds = backends.find(config).kinds
    backend = backends.name_of(config)
    return "" if value == "KIND_AUTO" or value in kinds else f"{backend} does not load {value}"
