"""Parameters of backends, which are text in ``parameters:``."""

from tritongen.parts import backends
from tritongen.records.messages import ModelConfig, ModelInstanceGroup


def read_number(config: ModelConfig, name: str) -> int:
    """Return a parameter that is a number, 0 where nothing is said."""
    said = config.parameters[name].string_value if name in config.parameters else ""
    return int(said) if said.isdecimal() else 0


def write_number(config: ModelConfig, name: str, value: int) -> None:
    """Set it; 0, which leaves it to the backend, is not written where nothing was said."""
    if value or name in config.parameters:
        config.parameters[name].string_value = str(value)


def has(config: ModelConfig, name: str) -> bool:
    """Tell whether the model's backend reads such a parameter."""
    return name in backends.find(config).parameters


def not_read(config: ModelConfig, name: str) -> str:
    """Say that the backend does not read it; empty if it does."""
    return "" if has(config, name) else f"{backends.name_of(config)} has no parameter {name}"


def on_cpu(config: ModelConfig, gpus: int) -> bool:
    """Tell whether a model's instances compute on the CPU."""
    kinds = {group.kind for group in config.instance_group} or {ModelInstanceGroup.KIND_AUTO}
    if kinds == {ModelInstanceGroup.KIND_AUTO}:
        return not gpus
    return kinds == {ModelInstanceGroup.KIND_CPU}
