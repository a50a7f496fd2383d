"""``max_batch_size``: how many rows are executed together at most."""

from collections.abc import Sequence
from typing import Final

from tritongen.parts import backends
from tritongen.parts.parameters._parameter import Known, doubled, number, whole
from tritongen.records.messages import ModelConfig
from tritongen.records.tune import Value

RESTART: Final = False
MOST = 128
COMPILED = frozenset({"tensorrt", "tensorrtllm"})
"""Their files say how large a batch may be; what the spec has is taken for it."""

parse = whole


def read(config: ModelConfig) -> int:
    """Return it."""
    return config.max_batch_size


def write(config: ModelConfig, value: Value) -> None:
    """Set it; preferred sizes and warm-ups that would be above it follow."""
    config.max_batch_size = number(value)
    batching = config.dynamic_batching.preferred_batch_size
    if config.HasField("dynamic_batching") and any(size > number(value) for size in batching):
        kept = [size for size in batching if size <= number(value)]
        del batching[:]
        batching.extend(kept)
    for sample in config.model_warmup:
        sample.batch_size = min(sample.batch_size, number(value))


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return powers of two: up to what can be waiting, and what the requests' patience allows."""
    now = config.max_batch_size
    if not now or not config.HasField("dynamic_batching"):
        return ()
    most = now if backends.name_of(config) in COMPILED else MOST
    if known.users is not None:
        most = min(most, 2 * known.users * known.rows)
    if known.patience_ms is not None:
        slow = [size for size, ms in known.service_ms.items() if ms > known.patience_ms]
        most = min([most, *slow])
    sizes = {*doubled(max(known.rows, 1), max(most, known.rows)), now}
    return sorted(size for size in sizes if size >= known.rows)


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse batching where there is none, and what is larger than a compiled file allows."""
    if not config.max_batch_size:
        return f"{config.name} does not batch"
    if not number(value):
        return "0 would turn batching off and change the tensors' shapes"
    if backends.name_of(config) in COMPILED and number(value) > config.max_batch_size:
        return f"{config.name} is compiled for batches up to {config.max_batch_size}"
    return ""
