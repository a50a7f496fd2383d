"""A search for the best setting: what was tried, what came of it, and what is concluded.

Units are in the names. All of it is JSON-able: a study is the lines of a journal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Literal

from tritongen.records.measurement import Interval, Measurement
from tritongen.records.profile import Profile
from tritongen.records.tune import PlannedTune, Value

SERVER = ""
"""Stands where a model's name would: parameters of the server itself, and of the load."""
LOAD = "rate"
"""The parameter of the load: requests a second, where an open load test is to find its limit."""
Key = tuple[str, str]
"""A model (or :data:`SERVER`) and the path of one of its parameters."""


@dataclass(frozen=True)
class Setting:
    """Values of parameters, sorted by model and path: equal settings are equal and hash alike."""

    values: tuple[tuple[str, str, Value], ...] = ()

    @classmethod
    def of(cls, values: Mapping[Key, Value]) -> "Setting":
        """Return the setting with these values."""
        return cls(tuple((*key, values[key]) for key in sorted(values)))

    @cached_property
    def by_key(self) -> Mapping[Key, Value]:
        """The values by (model, path)."""
        return {(model, path): value for model, path, value in self.values}

    def changed(self, values: Mapping[Key, Value]) -> "Setting":
        """Return this setting with other values."""
        return Setting.of({**self.by_key, **values})

    def unlike(self, other: "Setting") -> Iterator[tuple[Key, Value | None, Value]]:
        """Yield what differs from another setting: key, the other's value, this one's."""
        for key, value in self.by_key.items():
            if other.by_key.get(key) != value:
                yield key, other.by_key.get(key), value

    @property
    def configuration(self) -> "Setting":
        """This setting without the load: what is served."""
        return Setting.of({key: v for key, v in self.by_key.items() if key != (SERVER, LOAD)})

    def __str__(self) -> str:
        return ", ".join(f"{model} {path}: {value}".strip() for model, path, value in self.values)


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A parameter that moves: its candidates in order, ``start`` among them.

    ``restart``: the server has to start anew for it; others are changed by a load with a
    ``config`` override.
    """

    model: str
    parameter: str
    values: tuple[Value, ...]
    start: Value
    restart: bool = False

    @property
    def key(self) -> Key:
        """The model and the parameter's path."""
        return self.model, self.parameter


@dataclass(frozen=True)
class Space:
    """All that may move."""

    dimensions: tuple[Dimension, ...]

    @property
    def start(self) -> Setting:
        """The setting that the spec has."""
        return Setting.of({each.key: each.start for each in self.dimensions})

    @property
    def size(self) -> int:
        """How many settings there are."""
        return prod(len(each.values) for each in self.dimensions)


@dataclass(frozen=True, kw_only=True)
class Host:
    """What there is for the server: ``cores`` that it shares with the load program, GPUs, bytes.

    ``machine`` tells machines apart: the processor's name, or the address of one elsewhere.
    ``replicas`` of the server share the requests.
    """

    cores: float | None = None
    gpus: int = 0
    memory_bytes: int | None = None
    machine: str = ""
    replicas: int = 1


@dataclass(frozen=True, kw_only=True)
class Score:
    """What counts of a trial.

    ``memory_bytes`` is estimated from files and instances, ``cost_per_million`` is the price of
    ``cores`` and ``gpus`` (those that instances may use) over answers. ``exceeded`` maps each limit
    that does not hold to how many times it was exceeded, 2.0 is twice (a throughput: missed).
    """

    throughput_rps: float
    p50_ms: float
    p99_ms: float
    error_rate: float
    instances: int
    cores: float
    gpus: int
    memory_bytes: int
    cost_per_million: float
    exceeded: Mapping[str, float] = field(default_factory=dict)

    @property
    def feasible(self) -> bool:
        """Whether all limits hold."""
        return not self.exceeded


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model of the server expected of a trial; ``doubt`` is a share of the figures."""

    throughput_rps: float
    p99_ms: float
    doubt: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A setting that was tried, and what came of it: a measurement or a ``failure``.

    ``start`` is the spec's own setting, ``profile`` runs teach how long steps take under another
    load (they have no score), ``search`` runs look for better settings, ``final`` ones repeat the
    best and the start, in turns. ``at_s`` is when it began, since the study did. ``server`` is
    which of several servers was measured, from 0.
    """

    number: int
    kind: Literal["start", "profile", "search", "final"]
    setting: Setting
    load: str
    at_s: float
    took_s: float
    measurement: Measurement | None = None
    score: Score | None = None
    failure: str | None = None
    predicted: Prediction | None = None
    server: int = 0


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What another study had measured of steps that are the same in this one."""

    study: str
    began: str
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What changing one parameter of the winner (from the start's value) does, as shares.

    ``throughput`` 0.31 is +31%. ``measured`` with trials that differ in nothing else; otherwise it
    is what the simulation says.
    """

    model: str
    parameter: str
    before: Value
    after: Value
    throughput: float
    p99: float
    measured: bool


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A setting that was measured again: the means of its trials, and their 95% intervals."""

    setting: Setting
    trials: tuple[int, ...]
    score: Score
    throughput_ci_rps: Interval
    p99_ci_ms: Interval


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What a study found, in one ``sentence``.

    ``better``: the winner is beyond noise. ``best``: nothing was, the start wins (``within`` is how
    much better something else may still be). ``noisy``: settings differ less from each other than
    from themselves. ``infeasible``: nothing held the limits; ``winner`` is the nearest, and
    ``binding`` the limit that it misses most. ``gain`` is the winner's objective over the start's,
    less one: 0.31 is 31% better; it is ``None`` where the start held no limit or was not measured.
    """

    verdict: Literal["better", "best", "noisy", "infeasible"]
    sentence: str
    winner: Setting | None
    gain: float | None = None
    within: float | None = None
    binding: str | None = None
    finalists: tuple[Contender, ...] = ()
    front: tuple[int, ...] = ()
    effects: tuple[Effect, ...] = ()
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class Study:
    """One search.

    ``fingerprint`` is of the models' files and the load test: a study of others is not gone on
    with. ``space`` is known once the start was measured. ``notes`` are what a reader should know.

    ``profile`` is what was learned of the steps. Another study may take it of a model whose
    ``contents`` (a hash of its files) are the same, on the same host, under the same
    ``conditions`` (a hash of the Triton release and of what requests carry). ``began`` is in UTC.
    """

    name: str
    fingerprint: str
    tune: PlannedTune
    host: Host
    space: Space | None = None
    trials: tuple[Trial, ...] = ()
    conclusion: Conclusion | None = None
    notes: tuple[str, ...] = ()
    began: str = ""
    contents: Mapping[str, str] = field(default_factory=dict)
    conditions: str = ""
    taken: tuple[Taken, ...] = ()
    profile: Profile | None = None

    @property
    def scored(self) -> tuple[Trial, ...]:
        """The trials that count: not those that failed or were for profiles."""
        return tuple(trial for trial in self.trials if trial.score is not None)

    @property
    def took_s(self) -> float:
        """How long it took, interruptions left out."""
        return max((trial.at_s + trial.took_s for trial in self.trials), default=0.0)
