"""A Triton as a simulation sees it: stations with instances, the ways of requests through them.

Times are in milliseconds unless a name says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Station:
    """A model with instances of its own.

    ``ms[n - 1]`` is how long an execution of n rows takes where nothing disturbs it, up to
    ``max_batch_size`` (0: the model does not batch, and has one time); a shorter table goes on as
    its last two.
    ``batching``: it has a dynamic batcher, with the ``preferred`` batch sizes (none: the largest)
    and a queue delay. ``wakes``: the batcher looks at every arrival, as it does where shapes can
    differ (a dim of -1). ``early``: batches are formed before an instance is free, as they are
    without queue policies and priorities.

    ``cpu`` is the share of an execution that keeps ``threads`` cores busy: 0 for a GPU or a sleep.
    With ``gpus`` it runs there, and ``gpu`` is the share that keeps one of them busy: the rest,
    copies for the most part, goes on beside other executions.
    ``release_ms`` is what each response takes to leave, one after another, while the instance is
    not free yet. ``spread`` is the coefficient of variation of ``ms``.
    """

    model: str
    instances: int
    max_batch_size: int
    ms: tuple[float, ...]
    batching: bool = True
    preferred: tuple[int, ...] = ()
    delay_us: int = 0
    wakes: bool = False
    early: bool = True
    cpu: float = 0.0
    threads: int = 1
    gpus: tuple[int, ...] = ()
    gpu: float = 1.0
    release_ms: float = 0.04
    spread: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A step of a route: the station's place in the system, and the visits that it waits for."""

    station: int
    after: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a request for ``model`` passes; an ensemble's inner ensembles are dissolved.

    ``visits`` stand in an order in which each comes after those that it waits for. A request has
    ``rows`` rows: one number of those from the first to the last, all as likely.
    """

    model: str
    visits: tuple[Visit, ...]
    weight: float = 1.0
    rows: tuple[int, int] = (1, 1)


@dataclass(frozen=True, kw_only=True)
class Overheads:
    """What a request costs besides its executions.

    The client sends and receives one after another (``send_ms`` for both, in an open loop
    ``open_ms`` more: who sends at fixed times hands each call over), so the server receives
    (``receive_ms``) and answers (``answer_ms``). ``client_ms`` is spent on both ways together
    without waiting for others. ``cpu_ms`` is the processor time of all this that is taken from the
    server's cores.
    """

    send_ms: float = 0.3
    open_ms: float = 0.4
    receive_ms: float = 0.06
    answer_ms: float = 0.09
    client_ms: float = 0.4
    cpu_ms: float = 0.5


@dataclass(frozen=True, kw_only=True)
class System:
    """Stations and routes, on ``cores`` cores (``None``: enough for all)."""

    stations: tuple[Station, ...]
    routes: tuple[Route, ...]
    cores: float | None = None
    overheads: Overheads = Overheads()


@dataclass(frozen=True, kw_only=True)
class StationOutcome:
    """A station while it was watched.

    ``rate_rps`` counts requests, ``utilisation`` is the share of its instances' time that they
    computed, ``queue_ms`` the mean wait of a request, ``queue_share`` that wait over wait and
    execution. ``batches`` maps rows to executions.
    """

    model: str
    rate_rps: float
    utilisation: float
    mean_batch: float
    queue_ms: float
    queue_share: float
    service_ms: float
    batches: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a simulated load test gives; latencies count from when a request was due.

    ``throughput_rps`` counts answers. ``saturated``: an open loop brought more than was answered,
    so that latencies only tell how long it lasted. ``bistable``: other beginnings end more than 8%
    apart in throughput or median latency, so only a measurement can tell; ``spread`` is how far.
    """

    seconds: float
    offered: int
    answered: int
    throughput_rps: float
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    stations: tuple[StationOutcome, ...]
    saturated: bool
    bistable: bool
    spread: float
    events: int

    def station(self, model: str) -> StationOutcome:
        """Return what a model did."""
        return next(each for each in self.stations if each.model == model)
