"""``parameters.intra_op_thread_count``: threads of one execution of ONNX Runtime."""

from collections.abc import Sequence
from typing import Final

from tritongen.parts.parameters._parameter import Known, doubled, number, whole
from tritongen.parts.parameters._text import not_read, on_cpu, read_number, write_number
from tritongen.records.messages import ModelConfig
from tritongen.records.tune import Value

RESTART: Final = False
NAME = "intra_op_thread_count"

parse = whole


def read(config: ModelConfig) -> int:
    """Return it; 0 is as many as there are cores."""
    return read_number(config, NAME)


def write(config: ModelConfig, value: Value) -> None:
    """Set it."""
    write_number(config, NAME, number(value))


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return powers of two up to the cores, on the CPU."""
    if wrong(config, 1) or not on_cpu(config, known.gpus):
        return ()
    cores = max(int(known.cores), 1)
    return sorted({*doubled(1, cores), read(config)}) if cores > 1 else ()


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse backends that do not read it."""
    return not_read(config, NAME)
