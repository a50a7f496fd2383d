"""What a load test measured: the client's view, the server's, and where it was measured.

Units are in the names; times are per request and in milliseconds unless a name says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Interval = tuple[float, float | None]
"""95% confidence; no upper end where too little was measured to say."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What was sent: ``arrivals`` in words, ``rate_rps`` in an open loop, ``users`` in a closed."""

    name: str
    protocol: str
    models: Mapping[str, float]
    arrivals: str
    rate_rps: float | None
    users: int | None
    duration_s: float
    warmup_s: float
    seed: int
    processes: int


@dataclass(frozen=True, kw_only=True)
class Latency:
    """A distribution of latencies; ``ci`` gives the interval of a percentile by its name."""

    count: int
    mean_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    ci_ms: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Requests that failed alike; ``kind`` is timeout, connection, http, grpc, shape or answer."""

    kind: str
    code: str
    message: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The requests of one name, or all.

    ``latency`` counts from when a request was due, ``service`` from when it was sent: the same in a
    closed loop, which therefore hides what a stalled server does to its users. ``seconds`` are
    (answers, p50, p95, p99) of each second, for noise.
    """

    offered: int
    answered: int
    failed: int
    unsent: int
    rate_rps: float
    rate_ci_rps: Interval | None
    error_rate: float
    latency: Latency | None
    service: Latency | None
    failures: tuple[Failures, ...]
    seconds: tuple[tuple[int, float | None, float | None, float | None], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelTimes:
    """A model during the window, from the server's counters; times are per request.

    ``batches`` maps a batch size to its executions, ``batch_ms`` to the mean time of one (a
    Prometheus does not know it). ``busy_s`` is how long its instances computed, all together;
    ``instances`` is how many there are. ``steps``: those of an ensemble, in order.
    """

    name: str
    instances: int
    max_batch_size: int
    queue_delay_us: int
    batching: bool
    requests: int
    failed: int
    rows: int
    executions: int
    total_ms: float
    queue_ms: float
    compute_input_ms: float
    compute_infer_ms: float
    compute_output_ms: float
    busy_s: float
    batches: Mapping[int, int]
    cache_hits: int
    cache_misses: int
    pending: float | None = None
    steps: tuple[str, ...] = ()
    batch_ms: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Server:
    """The server during ``window_s``; ``cpu_cores`` is how many its processes used, if known.

    ``source`` says where the counters were read: the server itself, or a Prometheus.
    ``memory_bytes`` is what its processes held at the beginning and at the end, if known.
    """

    window_s: float
    models: tuple[ModelTimes, ...]
    cpu_cores: float | None
    cores: int | None
    source: str
    memory_bytes: tuple[int, int] | None = None

    def model(self, name: str) -> ModelTimes | None:
        """Return a model's times."""
        return next((each for each in self.models if each.name == name), None)


@dataclass(frozen=True, kw_only=True)
class StepLimit:
    """A model as a station that requests pass.

    ``service_rps`` is what its instances could do at the batches seen, ``utilisation`` the share
    of their time that they computed. Shares are of the model's own time: waiting in the queue,
    copying tensors in and out. ``batch_fill`` is the mean batch over the largest.
    """

    model: str
    rate_rps: float
    service_rps: float | None
    utilisation: float
    queue_share: float
    copy_share: float
    mean_batch: float
    batch_fill: float | None
    time_ms: float


@dataclass(frozen=True, kw_only=True)
class Bottleneck:
    """What limits throughput, in one ``sentence``, and the figures behind it.

    ``client_ms`` is what a request spends outside of the server: network, encoding, waiting.
    Where the load changed, ``sentence`` and ``limit`` are of its busiest ``seconds``, from and to:
    all of it together would hide them.
    """

    sentence: str
    limit: str
    steps: tuple[StepLimit, ...]
    client_ms: float | None
    client_share: float | None
    seconds: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One objective held against what was measured; ``found`` is ``None`` without an answer."""

    requests: str
    metric: str
    limit: float
    found: float | None
    kept: bool


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One run of a load test.

    ``distrust`` says why the figures can't be trusted, ``partial`` why the run ended early.
    ``total`` and ``requests`` (by model) are the client's view; ``client`` is all that the load
    program wrote.
    """

    load: Load
    started_at: str
    window_s: float
    total: Figures
    requests: Mapping[str, Figures]
    server: Server | None
    bottleneck: Bottleneck | None
    verdicts: tuple[Verdict, ...]
    distrust: tuple[str, ...]
    partial: str | None
    stable: bool | None
    saturated: float | None
    environment: Mapping[str, str]
    client: Mapping[str, Any] = field(default_factory=dict)

    @property
    def throughput_rps(self) -> float:
        """Answers per second."""
        return self.total.rate_rps

    @property
    def p50_ms(self) -> float | None:
        """Median latency from when requests were due."""
        return self.total.latency.p50_ms if self.total.latency else None

    @property
    def p95_ms(self) -> float | None:
        """95th percentile of latency."""
        return self.total.latency.p95_ms if self.total.latency else None

    @property
    def p99_ms(self) -> float | None:
        """99th percentile of latency."""
        return self.total.latency.p99_ms if self.total.latency else None

    @property
    def failures(self) -> tuple[Failures, ...]:
        """What failed, most first."""
        return self.total.failures
