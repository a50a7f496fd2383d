"""``response_cache.enable``: answers that were given before are given again."""

from collections.abc import Sequence
from typing import Any, Final

from tritongen.parts.parameters._parameter import Known, NotAValueError
from tritongen.records.messages import ModelConfig
from tritongen.records.tune import Value

RESTART: Final = False


def parse(said: Any) -> bool:
    """Read true or false."""
    if said not in ("true", "false"):
        raise NotAValueError("true or false")
    return bool(said == "true")


def read(config: ModelConfig) -> bool:
    """Return whether it is on."""
    return config.response_cache.enable


def write(config: ModelConfig, value: Value) -> None:
    """Turn it on or off."""
    if value or config.HasField("response_cache"):
        config.response_cache.enable = bool(value)


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return none: whether requests repeat is for the user to know."""
    return ()


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse models whose answers Triton can't keep."""
    if config.model_transaction_policy.decoupled or config.HasField("sequence_batching"):
        return f"Triton refuses a response cache for {config.name}"
    return ""
