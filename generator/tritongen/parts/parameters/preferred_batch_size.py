"""``preferred_batch_size``: sizes that are sent at once; none is the largest."""

from collections.abc import Sequence
from typing import Any, Final

from tritongen.parts.parameters._parameter import Known, NotAValueError, whole
from tritongen.records.messages import ModelConfig
from tritongen.records.tune import Value

RESTART: Final = False


def parse(said: Any) -> tuple[int, ...]:
    """Read ``[4, 8]``; ``[]`` is none."""
    if not isinstance(said, list):
        raise NotAValueError("a list of sizes, such as [4, 8]")
    return tuple(sorted(whole(each) for each in said))


def read(config: ModelConfig) -> tuple[int, ...]:
    """Return them."""
    return tuple(config.dynamic_batching.preferred_batch_size)


def write(config: ModelConfig, value: Value) -> None:
    """Set them, without those above ``max_batch_size``, which Triton refuses."""
    assert isinstance(value, tuple)
    sizes = config.dynamic_batching.preferred_batch_size
    del sizes[:]
    sizes.extend(size for size in value if size <= config.max_batch_size)


def usual(config: ModelConfig, known: Known) -> Sequence[Value]:
    """Return none: sizes pay only for files that are compiled for some."""
    return ()


def wrong(config: ModelConfig, value: Value) -> str:
    """Refuse models without a dynamic batcher, and sizes of no rows."""
    if not config.HasField("dynamic_batching"):
        return f"{config.name} has no dynamic batching"
    return "a size is 0" if isinstance(value, tuple) and 0 in value else ""
