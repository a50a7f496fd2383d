"""``server:``, the options of tritonserver by their own names, underscores for dashes.

The fields of :class:`Server` are the table of options: their types, ranges and choices. ``None``
means «not said». What only some releases have stands in ``resources/releases.toml``, what each
means in ``resources/keys.toml``. How they become arguments: ``parts/serveroptions.py``.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from tritongen.records.scalars import Flag, Port, Record, Whole, one_or_many, quote, wrong
from tritongen.records.units import size

INT32 = 2**31 - 1
PORTS = ("http_port", "grpc_port", "metrics_port")

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
KEY = re.compile(r"[A-Za-z0-9_.-]+")
SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def _bytes(value: Any) -> Any:
    return size(value) if isinstance(value, str) else value


def _decimal(value: Any) -> Any:
    if isinstance(value, str):
        if not DECIMAL.fullmatch(value):
            raise wrong("type", "a number", "write it in decimal digits: 0.5")
        return float(value)
    return value


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise wrong("type", "a share from 0 to 1", "write it like `0.8`")
    return value


def _line(value: str) -> str:
    if not value or not value.isprintable():
        raise wrong("type", "text on one line", "write it without line ends and control characters")
    return value


def _matching(pattern: re.Pattern[str], what: str, fix: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise wrong("type", what, fix)
        return value

    return AfterValidator(check)


def _span(value: str) -> str:
    match = SPAN.fullmatch(value)
    if not match or int(match[1]) > int(match[2]):
        raise wrong("type", "a range, its smaller end first", "write it like `0-3`")
    return value


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, Mapping) else value


def _message(value: Any) -> Any:
    """Read ``true`` as a message without fields, as everywhere in the language."""
    return {} if value == "true" else value


Count = Annotated[Whole, Field(ge=0, le=INT32)]
Positive = Annotated[Whole, Field(ge=1, le=INT32)]
Size = Annotated[int, BeforeValidator(_bytes), Field(ge=0, lt=2**63)]
Decimal = Annotated[float, BeforeValidator(_decimal)]
Share = Annotated[Decimal, AfterValidator(_share)]
Line = Annotated[str, AfterValidator(_line)]
Key = Annotated[str, _matching(KEY, "a name", "use letters, digits, `.`, `_` and `-`")]
Device = Annotated[Whole, Field(ge=0, le=INT32)]
Span = Annotated[str, AfterValidator(_span)]
Settings = Mapping[Key, Line]
EitherWay = Discriminator(lambda value: "many" if isinstance(value, Mapping) else "one")
PerDevice = Annotated[Mapping[Device, Positive], Tag("many")]
Api = Literal[
    "health", "metadata", "inference", "shared-memory", "model-config", "model-repository",
    "statistics", "trace", "logging",
]  # fmt: skip
"""The parts of the protocol that can be restricted."""


class Secret(Record):
    """A value that is read from an environment variable when the server starts."""

    env: Annotated[str, _matching(VARIABLE, "the name of an environment variable", "")]

    @model_validator(mode="before")
    @classmethod
    def _never_in_the_spec(cls, value: Any) -> Any:
        if isinstance(value, str):
            message = "a secret stands in the spec itself, and would in all that is rendered"
            raise wrong("choice", message, "name the variable that holds it: {env: NAME}")
        return value


class Restricted(Record):
    """Parts of the protocol that are answered only to requests with a secret header."""

    apis: Annotated[tuple[Api, ...], BeforeValidator(one_or_many), Field(min_length=1)]
    header: Annotated[str, _matching(HEADER, "the name of a header", "write it like `admin-key`")]
    value: Secret


def _each_api_once(groups: tuple[Restricted, ...]) -> tuple[Restricted, ...]:
    apis = [api for group in groups for api in group.apis]
    for api in apis:
        if apis.count(api) > 1:
            message = f"{quote(api)} is restricted twice"
            raise wrong("exclusive", message, "name it in one group only")
    return groups


Groups = Annotated[
    tuple[Restricted, ...], BeforeValidator(_one_or_many), AfterValidator(_each_api_once)
]


class LocalCache(Record):
    """A response cache in the server's memory; ``size`` in bytes."""

    size: Annotated[Size, Field(ge=1024)] | None = None


class RedisCache(Record):
    """A response cache in Redis, shared by all servers; times in milliseconds."""

    host: Line = "redis"
    port: Port = 6379
    user: Line | None = None
    password: Secret | None = None
    db: Count | None = None
    connect_timeout: Count | None = None
    socket_timeout: Count | None = None
    pool_size: Positive | None = None
    wait_timeout: Count | None = None
    tls_enabled: Flag | None = None
    cert: Line | None = None
    key: Line | None = None
    cacert: Line | None = None
    cacert_dir: Line | None = None
    sni: Line | None = None


Local = Annotated[LocalCache, BeforeValidator(_message)]
Redis = Annotated[RedisCache, BeforeValidator(_message)]


class ResponseCache(Record):
    """Where answers are kept; without a word, in the server's memory."""

    local: Local | None = None
    redis: Redis | None = None

    @model_validator(mode="after")
    def _one_only(self) -> "ResponseCache":
        if self.local and self.redis:
            message = "`local` and `redis` exclude each other: the server has one response cache"
            raise wrong("exclusive", message, "remove `local` or `redis`")
        return self


class TritonTrace(Record):
    """Traces that Triton writes to a file."""

    file: Line | None = None
    log_frequency: Count | None = None


class OpenTelemetry(Record):
    """Traces that go to a collector over OTLP/HTTP; the delay in milliseconds."""

    url: Line | None = None
    resource: Settings = Field(default_factory=dict)
    bsp_max_queue_size: Positive | None = None
    bsp_schedule_delay: Positive | None = None
    bsp_max_export_batch_size: Positive | None = None


class TraceConfig(Record):
    """Which requests are traced and where traces go."""

    mode: Literal["triton", "opentelemetry"] | None = None
    level: (
        Annotated[
            tuple[Literal["OFF", "TIMESTAMPS", "TENSORS"], ...],
            BeforeValidator(one_or_many),
            Field(min_length=1),
        ]
        | None
    ) = None
    rate: Positive | None = None
    count: Annotated[Whole, Field(ge=-1, le=INT32)] | None = None
    triton: TritonTrace | None = None
    opentelemetry: OpenTelemetry | None = None


class MetricsConfig(Record):
    """Which kinds of latency metrics there are."""

    counter_latencies: Flag | None = None
    summary_latencies: Flag | None = None
    summary_quantiles: Mapping[Share, Share] = Field(default_factory=dict)
    histogram_latencies: Flag | None = None


class HostPolicy(Record):
    """Where instances that name the policy run."""

    numa_node: Count | None = None
    cpu_cores: Span | None = None


class Server(Record):
    """``server:``, tritonserver's own options, in the order of its manual."""

    id: Line | None = None
    exit_timeout_secs: Positive | None = None

    log_verbose: Count | None = None
    log_info: Flag | None = None
    log_warning: Flag | None = None
    log_error: Flag | None = None
    log_format: Literal["default", "ISO8601"] | None = None
    log_file: Line | None = None

    exit_on_error: Flag | None = None
    strict_readiness: Flag | None = None
    model_control_mode: Literal["none", "poll", "explicit"] | None = None
    repository_poll_secs: Positive | None = None
    load_model: (
        Annotated[tuple[Line, ...], BeforeValidator(one_or_many), Field(min_length=1)] | None
    ) = None
    model_config_name: Key | None = None
    model_load_thread_count: Positive | None = None
    model_load_retry_count: Count | None = None
    model_namespacing: Flag | None = None
    enable_peer_access: Flag | None = None
    model_load_gpu_limit: Mapping[Device, Share] | None = None

    allow_http: Flag | None = None
    http_port: Port | None = None
    http_thread_count: Positive | None = None
    http_header_forward_pattern: Line | None = None
    http_restricted_api: Annotated[tuple[Restricted, ...], BeforeValidator(_one_or_many)] | None = (
        None
    )
    http_max_input_size: Annotated[Size, Field(ge=1)] | None = None

    allow_grpc: Flag | None = None
    grpc_port: Port | None = None
    grpc_header_forward_pattern: Line | None = None
    grpc_infer_thread_count: Annotated[Whole, Field(ge=2, le=128)] | None = None
    grpc_infer_allocation_pool_size: Count | None = None
    grpc_max_response_pool_size: Positive | None = None
    grpc_use_ssl: Flag | None = None
    grpc_use_ssl_mutual: Flag | None = None
    grpc_server_cert: Line | None = None
    grpc_server_key: Line | None = None
    grpc_root_cert: Line | None = None
    grpc_infer_response_compression_level: Literal["none", "low", "medium", "high"] | None = None
    grpc_keepalive_time: Positive | None = None
    grpc_keepalive_timeout: Positive | None = None
    grpc_keepalive_permit_without_calls: Flag | None = None
    grpc_http2_max_pings_without_data: Count | None = None
    grpc_http2_min_recv_ping_interval_without_data: Count | None = None
    grpc_http2_max_ping_strikes: Count | None = None
    grpc_max_connection_age: Positive | None = None
    grpc_max_connection_age_grace: Positive | None = None
    grpc_restricted_protocol: Groups | None = None

    allow_sagemaker: Flag | None = None
    sagemaker_port: Port | None = None
    sagemaker_safe_port_range: Span | None = None
    sagemaker_thread_count: Positive | None = None
    allow_vertex_ai: Flag | None = None
    vertex_ai_port: Port | None = None
    vertex_ai_thread_count: Positive | None = None
    vertex_ai_default_model: Line | None = None

    allow_metrics: Flag | None = None
    allow_gpu_metrics: Flag | None = None
    allow_cpu_metrics: Flag | None = None
    metrics_port: Port | None = None
    metrics_interval_ms: Positive | None = None
    metrics_config: MetricsConfig | None = None
    trace_config: TraceConfig | None = None

    backend_directory: Line | None = None
    backend_config: (
        Mapping[
            Key,
            Annotated[Annotated[Line, Tag("one")] | Annotated[Settings, Tag("many")], EitherWay],
        ]
        | None
    ) = None
    repoagent_directory: Line | None = None
    response_cache: Annotated[ResponseCache, BeforeValidator(_message)] | None = None
    cache_directory: Line | None = None
    rate_limit: Literal["off", "execution_count"] | None = None
    rate_limit_resource: (
        Mapping[Key, Annotated[Annotated[Positive, Tag("one")] | PerDevice, EitherWay]] | None
    ) = None
    pinned_memory_pool_byte_size: Size | None = None
    cuda_memory_pool_byte_size: Mapping[Device, Size] | None = None
    cuda_virtual_address_size: Mapping[Device, Size] | None = None
    min_supported_compute_capability: Decimal | None = None
    buffer_manager_thread_count: Count | None = None
    host_policy: Mapping[Key, HostPolicy] | None = None
    allow_client_shm: Flag | None = None

    @model_validator(mode="after")
    def _own_ports(self) -> "Server":
        ports = [getattr(self, key) for key in PORTS]
        for port in filter(None, ports):
            if ports.count(port) > 1:
                raise wrong(
                    "exclusive",
                    f"two ports of `server` are {port}, and each can serve one protocol",
                    "give each a port of its own, or leave one out",
                )
        return self


OWNED: Mapping[str, tuple[str, str]] = {
    "model_repository": ("it is where `build` writes the models", "remove it"),
    "model_store": ("it is where `build` writes the models", "remove it"),
    "disable_auto_complete_config": (
        "the server completes configurations only where tritongen can't read a model's file",
        "remove it; `complete: false` in a model leaves it to the server",
    ),
    "http_address": ("`stack:` says where ports are published", "write `stack: {bind: ...}`"),
    "grpc_address": ("`stack:` says where ports are published", "write `stack: {bind: ...}`"),
    "metrics_address": ("`stack:` says where ports are published", "write `stack: {bind: ...}`"),
    "reuse_http_port": ("the gateway balances several servers", "write `stack: {replicas: ...}`"),
    "reuse_grpc_port": ("the gateway balances several servers", "write `stack: {replicas: ...}`"),
    "cache_config": (
        "the language calls it `response_cache`",
        "write `response_cache: {local: {size: 64MiB}}`",
    ),
    "response_cache_byte_size": (
        "the option is deprecated",
        "write `response_cache: {local: {size: ...}}`",
    ),
    "strict_model_config": (
        "the option is deprecated",
        "remove it; `complete: false` in a model leaves it to the server",
    ),
    "trace_file": ("the option is deprecated", "write `trace_config: {triton: {file: ...}}`"),
    "trace_level": ("the option is deprecated", "write `trace_config: {level: TIMESTAMPS}`"),
    "trace_rate": ("the option is deprecated", "write `trace_config: {rate: ...}`"),
    "trace_count": ("the option is deprecated", "write `trace_config: {count: ...}`"),
    "trace_log_frequency": (
        "the option is deprecated",
        "write `trace_config: {triton: {log_frequency: ...}}`",
    ),
}
"""The options that are not said in a spec: why not, and what to do instead."""
