"""``parameters.execution_mode``: branches one after another (0) or at once (1)."""

from collections.abc import Sequence
from typing import Final

from tritongen.parts.parameters._parameter import Known, number, whole
from tritongen.parts.parameters._text import not_read, read_number, write_number
from tritongen.records.messages import ModelConfig
from tritongen.records.tune import Value

RESTART: Final = False
NAME = "execution_mode"

parse = whole


def read(config: ModelConfig) -> int:
    """Return it."""
    return read_number(config, NAME)


def write(config: ModelConfig, value: Value) -> None:
    """Set it."""
    write_number(config, NAME, number(value))


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return none: it pays for few models, and costs threads in all."""
    return ()


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse other modes, and backends that have none."""
    return not_read(config, NAME) or ("" if value in (0, 1) else "it is 0 or 1")
