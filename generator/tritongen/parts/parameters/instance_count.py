"""``instance_group.count``: how many instances work side by side."""

from collections.abc import Sequence
from typing import Final

from tritongen.parts.parameters._parameter import Known, number, whole
from tritongen.records.instances import instances
from tritongen.records.messages import ModelConfig, ModelInstanceGroup
from tritongen.records.tune import Value

RESTART: Final = False
FEW = 4
"""Also on fewer cores: a step that waits for something else takes none."""
MANY = 8
ON_A_GPU = 4

parse = whole


def read(config: ModelConfig) -> int:
    """Return the count of the first group; without groups what Triton makes."""
    groups = config.instance_group
    return max(groups[0].count, 1) if groups else instances(config)


def write(config: ModelConfig, value: Value) -> None:
    """Set the count of the first group."""
    if not config.instance_group:
        config.instance_group.add()
    config.instance_group[0].count = number(value)


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return one and more, up to the cores, or a few for each GPU."""
    if wrong(config, 1):
        return ()
    kind = config.instance_group[0].kind if config.instance_group else 0
    on_gpu = kind == ModelInstanceGroup.KIND_GPU or (not kind and known.gpus > 0)
    most = ON_A_GPU if on_gpu else min(max(int(known.cores), FEW), MANY)
    return sorted({*range(1, most + 1), read(config)})


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse several groups: one number does not say how many each has."""
    if len(config.instance_group) > 1:
        return f"{config.name} has several instance groups"
    return "" if number(value) else "0 instances would leave nothing to run"
