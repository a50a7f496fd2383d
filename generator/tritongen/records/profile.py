"""How long the steps of a server take, by batch size: measured once, used for any configuration.

Times are in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tritongen.records.system import Overheads


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Executions of ``rows`` rows that took ``ms`` on average, ``slowed`` so many times.

    ``busy`` is how many instances of this model computed meanwhile, on average. Without others on
    its cores an execution takes ``ms / slowed``.
    """

    rows: int
    ms: float
    executions: int
    busy: float = 1.0
    slowed: float = 1.0


@dataclass(frozen=True, kw_only=True)
class StepProfile:
    """A model's timings; ``key`` is of all that determines them (``simulate.profile_key``).

    ``cpu`` is the share of an execution that keeps ``threads`` cores busy, ``gpu`` that which keeps
    its GPU busy, if it runs on one, ``spread`` the coefficient of variation of executions of one
    size.
    """

    key: str
    model: str
    timings: tuple[Timing, ...]
    cpu: float = 1.0
    threads: int = 1
    gpu: float = 1.0
    spread: float = 0.03


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Steps by their key, what a request costs besides them, and the server's cores."""

    steps: Mapping[str, StepProfile] = field(default_factory=dict)
    overheads: Overheads = field(default_factory=Overheads)
    cores: float | None = None
