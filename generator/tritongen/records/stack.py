"""``stack:``: what ``docker compose up`` starts; ``None`` means «not said».

What it became when everything was decided is :class:`PlannedStack`. The names that the generated
files share (services, ports, paths) stand here, so that targets need not see each other.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from tritongen.records.machine import Address, Gpus, Image, Memory, SecretFile, SecretUrl
from tritongen.records.scalars import Flag, Port, Record, Whole, quote, wrong
from tritongen.records.server import Server
from tritongen.records.units import Fraction, Rate, SomeBytes, SomeTime

COMPOSE_FILE: Final = "docker-compose.yml"
COMPOSE: Final = "compose"
"""The folder of what the containers mount and are built from."""

GATEWAY_FOLDER: Final = f"{COMPOSE}/gateway"
PROMETHEUS_FOLDER: Final = f"{COMPOSE}/prometheus"
ALERTMANAGER_FOLDER: Final = f"{COMPOSE}/alertmanager"
OTEL_FOLDER: Final = f"{COMPOSE}/otel"
OPS_FOLDER: Final = f"{COMPOSE}/ops"
OPS_MOUNT: Final = "/opt/ops"
GRAFANA_FOLDER: Final = "grafana"
PROVISIONING: Final = f"{GRAFANA_FOLDER}/provisioning"
DASHBOARDS: Final = f"{GRAFANA_FOLDER}/dashboards"
GRAFANA_PASSWORD: Final = "GRAFANA_PASSWORD"  # noqa: S105, the name of a variable
"""Its value stands in ``paths.ENV_FILE``."""

TRITON: Final = "triton"
GATEWAY: Final = "gateway"
PROMETHEUS: Final = "prometheus"
ALERTMANAGER: Final = "alertmanager"
GRAFANA: Final = "grafana"
LOCUST: Final = "locust"
"""The image of Locust's services and of ``ops``."""
LOCUST_MASTER: Final = "locust-master"
LOCUST_WORKER: Final = "locust-worker"
REDIS: Final = "redis"
OTEL: Final = "otel-collector"
JAEGER: Final = "jaeger"
OPS: Final = "ops"

EDGE: Final = "edge"
"""The network of what is published."""
INNER: Final = "inner"
"""The network without a way out: Triton, and what scrapes it."""

ALERTS_PROFILE: Final = "alerts"
OPS_PROFILE: Final = "ops"

TRITON_HTTP: Final = 8000
TRITON_GRPC: Final = 8001
TRITON_METRICS: Final = 8002
GATEWAY_HTTP: Final = 8000
GATEWAY_GRPC: Final = 8001
GATEWAY_METRICS: Final = 8404
GATEWAY_MODEL_METRICS: Final = "/tritongen/metrics"
"""A second page to scrape on ``GATEWAY_METRICS``: what clients were answered, by model."""
GATEWAY_HEALTH: Final = "/health"
"""On ``GATEWAY_METRICS``: 200 while a replica takes requests, else 503."""
GATEWAY_RUN: Final = "/run/gateway"
"""A volume of the gateway and ``ops`` alone, which no other container mounts."""
GATEWAY_SOCKET: Final = f"{GATEWAY_RUN}/admin.sock"
"""HAProxy's runtime API: drains a replica (``set server triton_http/triton1 state drain``)."""
PROMETHEUS_PORT: Final = 9090
ALERTMANAGER_PORT: Final = 9093
GRAFANA_PORT: Final = 3000
LOCUST_PORT: Final = 8089
LOCUST_MASTER_PORT: Final = 5557
REDIS_PORT: Final = 6379
OTLP_HTTP_PORT: Final = 4318
OTLP_GRPC_PORT: Final = 4317
OTEL_METRICS_PORT: Final = 8888
JAEGER_PORT: Final = 16686

DASHBOARDS_MOUNT: Final = "/etc/grafana/dashboards"
"""Where Grafana finds the files of ``DASHBOARDS``."""
ALERT_WEBHOOK: Final = "/tmp/webhook"  # noqa: S108, in a container
"""A file in Alertmanager's container with the URL of ``alertmanager: {webhook: {env: NAME}}``."""

SECRETS: Final = "/run/secrets"
TLS_SECRET: Final = "tls_certificate"  # noqa: S105, the name of one
TLS_CERTIFICATE: Final = f"{SECRETS}/tls.pem"
TLS_KEY: Final = f"{SECRETS}/tls.pem.key"
"""Where HAProxy looks for the key of a certificate by itself."""
API_KEYS: Final = f"{SECRETS}/api_keys"
"""A key a line: the SHA-256 of it in lower-case hex digits, a space, the name of who has it."""

SERVICES: Final = (
    TRITON,
    GATEWAY,
    PROMETHEUS,
    GRAFANA,
    LOCUST_MASTER,
    LOCUST_WORKER,
    REDIS,
    ALERTMANAGER,
    OTEL,
    JAEGER,
    OPS,
)
IMAGES: Final = (TRITON, GATEWAY, PROMETHEUS, GRAFANA, LOCUST, REDIS, ALERTMANAGER, OTEL, JAEGER)
"""What has an image of its own; one of Locust serves its master, its workers and ``ops``."""
EXTENSIBLE: Final = (
    COMPOSE_FILE,
    *(f"{PROMETHEUS_FOLDER}/{name}.yml" for name in ("prometheus", "rules", "alerts")),
    f"{ALERTMANAGER_FOLDER}/alertmanager.yml",
    f"{OTEL_FOLDER}/collector.yml",
    f"{PROVISIONING}/datasources/prometheus.yml",
    f"{PROVISIONING}/dashboards/tritongen.yml",
)
"""The generated files that ``extra`` can be laid over."""
GATEWAY_FILE: Final = f"{GATEWAY_FOLDER}/haproxy.cfg"
"""Text: what ``extra`` says stands at its end."""


def for_triton(value: Any) -> Any:
    """Read a bare value as Triton's."""
    return {TRITON: value} if isinstance(value, str) else value


def _service(known: tuple[str, ...], value: str) -> str:
    if value not in known:
        raise _not_one_of(known, value, f"the stack has no service {quote(value)}")
    return value


def _not_one_of(known: tuple[str, ...], value: str, message: str) -> PydanticCustomError:
    """Return the complaint with the nearest name; a file's own name is enough to find its path."""
    names = {name.rpartition("/")[2]: name for name in known} | {name: name for name in known}
    near = get_close_matches(value, names, n=1)
    fix = f"did you mean `{names[near[0]]}`?" if near else f"one of {', '.join(known)}"
    return wrong("choice", message, fix)


def _own_service(value: str) -> str:
    return _service(SERVICES, value)


def _generated(value: str) -> str:
    if value not in (*EXTENSIBLE, GATEWAY_FILE):
        message = f"{quote(value)} is not a generated file that something can be laid over"
        raise _not_one_of((*EXTENSIBLE, GATEWAY_FILE), value, message)
    return value


def _laid_over(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for path, over in value.items():
        kind, wants = (str, "text") if path == GATEWAY_FILE else (Mapping, "a mapping")
        if not isinstance(over, kind):
            message = f"what is laid over {quote(path)} is {wants}"
            raise wrong("choice", message, f"write {wants}, as it stands in the file")
    return value


def _own_image(value: str) -> str:
    return _service(IMAGES, value)


Positive = Annotated[Whole, Field(ge=1)]
Service = Annotated[str, AfterValidator(_own_service)]
ImageOf = Annotated[str, AfterValidator(_own_image)]


class Tls(Record):
    """The certificate that the gateway shows, and its key: PEM files."""

    certificate: SecretFile
    key: SecretFile


class Haproxy(Record):
    """What the gateway lets through.

    ``rate_limit`` is of inference requests per client and second: its address or its API key;
    ``retry_size`` is the size in bytes up to which a request is kept until it is answered, to be
    sent again if its replica dies; ``timeout`` is in seconds; ``statistics`` lets the models'
    statistics pass, ``compression`` compressed requests; ``api_keys`` is a file with the SHA-256
    of a key a line.
    """

    max_request_size: SomeBytes = 64 << 20
    retry_size: SomeBytes | None = None
    rate_limit: Rate | None = None
    timeout: SomeTime = 60
    compression: Flag = False
    statistics: Flag = False
    tls: Tls | None = None
    api_keys: SecretFile | None = None


class Gateway(Record):
    """Which program stands before Triton; text is its name."""

    haproxy: Haproxy = Haproxy()

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value != "haproxy":
            fix = "write `haproxy`, or `none`"
            raise wrong("choice", f"{quote(value)} is not a gateway known here", fix)
        return {"haproxy": {}}


class Ports(Record):
    """Where the stack answers on its host."""

    http: Port = 8000
    grpc: Port = 8001
    metrics: Port = 8002
    grafana: Port = 3000
    prometheus: Port = 9090
    locust: Port = 8089
    alertmanager: Port = 9093
    jaeger: Port = 16686

    @model_validator(mode="after")
    def _own(self) -> "Ports":
        taken: dict[int, str] = {}
        for name in type(self).model_fields:
            port = getattr(self, name)
            if port in taken:
                raise wrong(
                    "exclusive",
                    f"`{name}` and `{taken[port]}` are both on port {port}",
                    f"give `{name}` a port of its own",
                )
            taken[port] = name
        return self


class Alertmanager(Record):
    """Where alerts go; ``webhook`` is a URL."""

    webhook: SecretUrl | None = None


class Tracing(Record):
    """Traces of requests, shown by Jaeger: one of ``rate`` requests."""

    rate: Positive = 100


class Stack(Record):
    """``stack:``; ``memory`` and ``cpus`` are by service, a bare value is Triton's.

    ``extra`` is laid over the structure of a generated file, by its path.
    """

    replicas: Positive = 1
    gateway: Annotated[
        Annotated[Literal["none"], Tag("none")] | Annotated[Gateway, Tag("gateway")],
        Discriminator(lambda value: "none" if value == "none" else "gateway"),
    ] = Gateway()
    gpus: Gpus = "none"
    bind: Address = "127.0.0.1"
    ports: Ports = Ports()
    memory: Annotated[Mapping[Service, Memory], BeforeValidator(for_triton)] = Field(
        default_factory=dict
    )
    cpus: Annotated[Mapping[Service, Fraction], BeforeValidator(for_triton)] = Field(
        default_factory=dict
    )
    images: Annotated[Mapping[ImageOf, Image], BeforeValidator(for_triton)] = Field(
        default_factory=dict
    )
    alertmanager: Alertmanager | None = None
    tracing: Tracing | None = None
    extra: Annotated[
        Mapping[Annotated[str, AfterValidator(_generated)], Any], AfterValidator(_laid_over)
    ] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PlannedStack:
    """The stack with everything decided.

    ``project`` is what Docker calls it. ``gpus`` are ``"all"`` or device numbers, none if empty.
    ``images`` has every service's that takes part; Triton's and Locust's are what their Dockerfiles
    start from where they are built. A service without an entry in ``memory_bytes`` or ``cpus`` has
    no limit. ``server`` is what its Tritons are told: the spec's ``server:`` and what follows from
    standing in a stack. ``requirements`` are pip's lines for Python steps, ``hashed`` if pip is to
    check their hashes. ``redis`` tells whether the stack's own Redis holds the response cache.
    """

    project: str
    replicas: int
    gateway: Haproxy | None
    gpus: Literal["all"] | tuple[int, ...]
    bind: str
    ports: Ports
    images: Mapping[str, str]
    memory_bytes: Mapping[str, int]
    cpus: Mapping[str, float]
    shm_bytes: int
    start_period_s: int
    exit_timeout_s: int
    stop_grace_s: int
    server: Server
    requirements: tuple[str, ...]
    hashed: bool
    redis: bool
    alertmanager: Alertmanager | None
    tracing: Tracing | None
    extra: Mapping[str, Any]

    @property
    def unguarded(self) -> str:
        """Where those answer that ask nobody for a password: at this machine only."""
        return self.bind if ipaddress.ip_address(self.bind).is_loopback else "127.0.0.1"
