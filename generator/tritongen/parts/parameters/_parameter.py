"""What every parameter of a model has to tell, and what it is asked with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from tritongen.records.messages import ModelConfig
from tritongen.records.tune import Value

WHOLE: Final = "a whole number"


class NotAValueError(ValueError):
    """What was said is no value of a parameter; the text is what was wanted."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What candidates of a model's parameters are made from.

    ``cores`` and ``gpus`` are the server's; ``rows`` is the most that a request has; ``service_ms``
    maps batch sizes to how long the model takes for one, as far as it was measured; ``patience_ms``
    is how long a request may take at most; ``users`` is how many requests can be in the server.
    """

    cores: float = 1.0
    gpus: int = 0
    rows: int = 1
    service_ms: Mapping[int, float] = field(default_factory=dict)
    patience_ms: float | None = None
    users: int | None = None


class Parameter(Protocol):
    """One thing that may move.

    ``RESTART``: a load with a ``config`` override does not change it.
    """

    @property
    def RESTART(self) -> bool:  # noqa: N802 - a module's constant
        """Whether the server has to start anew for it."""

    def parse(self, said: Any) -> Value:
        """Return the value that a spec's text (or list of texts) means.

        Raises:
            NotAValueError: it is none.
        """

    def read(self, config: ModelConfig) -> Value:
        """Return what a model has now, Triton's default where nothing is said."""

    def write(self, config: ModelConfig, value: Value) -> None:
        """Give it to a model; ``read`` then returns it."""

    def usual(self, config: ModelConfig, known: Known) -> Sequence[Value]:
        """Return the values that make sense, in order; none where it does not apply."""

    def wrong(self, config: ModelConfig, value: Value) -> str:
        """Say why a model can't have a value; empty if it can."""


def whole(said: Any) -> int:
    """Read a whole number of at least 0."""
    if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 10:
        return int(said)
    raise NotAValueError(WHOLE)


def doubled(low: int, high: int) -> list[int]:
    """Return the powers of two from ``low`` to ``high``."""
    return [1 << power for power in range(31) if low <= 1 << power <= high]


def number(value: Value) -> int:
    """Return a value that is a number, for arithmetic."""
    assert isinstance(value, int)
    return value
