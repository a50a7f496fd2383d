"""``max_queue_delay_microseconds``: how long the batcher waits for company."""

from collections.abc import Sequence
from typing import Final

from tritongen.parts.parameters._parameter import Known, number, whole
from tritongen.records.messages import ModelConfig
from tritongen.records.tune import Value

RESTART: Final = False
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the model's own time for a large batch: waiting longer hardly ever pays."""
UNMEASURED_US = (0, 500, 1000, 2000, 5000)
LEAST_US = 100
LONGEST_SHARE = 0.25
"""Of the requests' patience."""

parse = whole


def read(config: ModelConfig) -> int:
    """Return it, 0 where nothing is said."""
    return config.dynamic_batching.max_queue_delay_microseconds


def write(config: ModelConfig, value: Value) -> None:
    """Set it; the model has dynamic batching."""
    config.dynamic_batching.max_queue_delay_microseconds = number(value)


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return 0 and shares of the model's own time."""
    if not config.HasField("dynamic_batching"):
        return ()
    delays = set(UNMEASURED_US)
    if known.service_ms:
        longest_ms = max(known.service_ms.values())
        delays = {0, *(_rounded(1000 * share * longest_ms) for share in SHARES)}
    if known.patience_ms is not None:
        delays = {us for us in delays if us <= 1000 * LONGEST_SHARE * known.patience_ms}
    return sorted({*delays, read(config)})


def _rounded(us: float) -> int:
    """Round to two digits, so that nobody reads more into it than there is."""
    size = max(round(us), LEAST_US)
    unit: int = 10 ** max(len(str(size)) - 2, 0)
    return round(size / unit) * unit


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse models without a dynamic batcher."""
    batches = config.HasField("dynamic_batching")
    return "" if batches else f"{config.name} has no dynamic batching"
