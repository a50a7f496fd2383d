"""How long the steps of a server take, by batch size: measured once, used for any configuration.

Times are in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tritongen.records.system import Overheads


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Executions of ``rows`` rows that took ``ms`` on average.

    ``busy`` is how many instances of this model computed meanwhile, on average, and ``load`` how
    many cores the whole server kept busy, if that is known.
    """

    rows: int
    ms: float
    executions: int
    busy: float = 1.0
    load: float | None = None


@dataclass(frozen=True, kw_only=True)
class StepProfile:
    """A model's timings; ``key`` is of all that determines them (see ``simulate.profile_key``)."""

    key: str
    model: str
    timings: tuple[Timing, ...]
    cpu: float = 1.0
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Steps by their key, what a request costs besides them, and the server's cores."""

    steps: Mapping[str, StepProfile] = field(default_factory=dict)
    overheads: Overheads = field(default_factory=Overheads)
    cores: float | None = None
