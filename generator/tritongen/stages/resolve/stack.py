"""The stack with everything decided: images, limits, times, and what its Tritons are told."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tritongen.records.images import images
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.plan import Decision, PlannedModel
from tritongen.records.release import Release
from tritongen.records.server import MetricsConfig, OpenTelemetry, Server, TraceConfig
from tritongen.records.spec import Spec
from tritongen.records.stack import (
    ALERTMANAGER,
    GATEWAY,
    GRAFANA,
    JAEGER,
    LOCUST_MASTER,
    LOCUST_WORKER,
    OPS,
    OTEL,
    OTLP_HTTP_PORT,
    PROMETHEUS,
    REDIS,
    TRITON,
    Haproxy,
    PlannedStack,
    Stack,
)
from tritongen.stages.resolve import capacity
from tritongen.stages.resolve.capacity import GiB, MiB
from tritongen.stages.resolve.defaults import default, said
from tritongen.stages.resolve.monitoring import WHY as TRUE_LATENCIES
from tritongen.stages.resolve.monitoring import metrics_config, unwatched

LARGEST_REQUEST = 64 * MiB
"""Where no gateway limits requests: what Triton's own HTTP limit is, since 25.06."""

EXIT_S = 15
"""How long Triton waits for requests when it is told to stop: 10 s is what clients usually wait
for an answer, and unloading Python models takes 2 s more. Idle connections make it wait, too."""
LANGUAGE_MODEL_EXIT_S = 60
STOP_MARGIN_S = 10
"""Docker kills what has not stopped by itself; Triton's own timeout has to come first."""

STREAMS_DRAIN_SINCE = "25.05"
"""Older servers wait for open gRPC streams however long they last, whatever the exit timeout."""
UNARY = (30, 15)
"""Seconds after which a connection takes no more requests, and then until its last one is cut."""
STREAMS = (60, 60)
"""The same where a model answers many times: a stream may last two minutes."""

LIMITS: Mapping[str, int] = {
    GATEWAY: GiB // 2,
    PROMETHEUS: 2 * GiB,
    GRAFANA: GiB // 2,
    LOCUST_MASTER: GiB,
    LOCUST_WORKER: GiB,
    REDIS: GiB,
    ALERTMANAGER: GiB // 4,
    OTEL: GiB // 2,
    JAEGER: GiB,
    OPS: GiB,
}
"""Round numbers with room: a limit is there to stop what runs away, and `memory:` says others."""


def plan_stack(
    spec: Spec,
    models: Mapping[str, PlannedModel],
    loadtests: Mapping[str, PlannedLoadTest],
    release: Release,
) -> tuple[PlannedStack | None, list[Decision]]:
    """Return the stack and what was decided for it; none if the spec says none."""
    if spec.stack is None:
        return None, []
    stack = spec.stack
    gateway = _gateway(stack, models)
    shm = capacity.shm_bytes(models, gateway.max_request_size if gateway else LARGEST_REQUEST)
    server = _server(spec.server, stack, gateway, models, release)
    lines = tuple(
        dict.fromkeys(line for model in spec.models.values() for line in model.requirements)
    )
    assert server.exit_timeout_secs is not None, "it was just decided"
    planned = PlannedStack(
        project=_project(spec.name),
        replicas=stack.replicas,
        gateway=gateway,
        gpus=() if stack.gpus == "none" else stack.gpus,
        bind=stack.bind,
        ports=stack.ports,
        images=_images(spec, models, release, gateway is not None),
        memory_bytes=_memory(stack, models, shm),
        cpus=stack.cpus,
        shm_bytes=shm,
        start_period_s=capacity.start_s(models),
        exit_timeout_s=server.exit_timeout_secs,
        stop_grace_s=_stop_grace_s(server),
        server=server,
        requirements=lines,
        hashed=bool(lines) and all("--hash=" in line for line in lines),
        redis=_own_redis(spec.server),
        alertmanager=stack.alertmanager,
        tracing=stack.tracing,
        extra=stack.extra,
    )
    chosen = _decisions(spec, planned, loadtests)
    return planned, [*chosen, *unwatched(spec, models, gateway is not None)]


def _gateway(stack: Stack, models: Mapping[str, PlannedModel]) -> Haproxy | None:
    if stack.gateway == "none":
        return None
    said = stack.gateway.haproxy
    kept = min(said.retry_size or capacity.retry_bytes(models), said.max_request_size)
    return said.model_copy(update={"retry_size": kept})


def _project(name: str) -> str:
    """Return a name that Docker takes: small letters, digits, `-` and `_`."""
    return re.sub(r"[^a-z0-9_-]", "-", name.lower()).strip("-_") or "stack"


def _images(
    spec: Spec, models: Mapping[str, PlannedModel], release: Release, gateway: bool
) -> dict[str, str]:
    stack = spec.stack
    assert stack is not None, "asked only for a stack"
    known = images()
    found = known.for_backends(capacity.names(models)) or known.triton[0]
    here = {TRITON: found.image.format(release=release.tag)} | dict(known.services)
    absent = {
        GATEWAY: not gateway,
        REDIS: not _own_redis(spec.server),
        OTEL: stack.tracing is None,
        JAEGER: stack.tracing is None,
    }
    return {
        service: stack.images.get(service, image)
        for service, image in here.items()
        if not absent.get(service)
    }


def _own_redis(server: Server) -> bool:
    """Tell whether the response cache is in the Redis of the stack, not in another one."""
    cache = server.response_cache
    return bool(cache and cache.redis and cache.redis.host == REDIS)


def _memory(stack: Stack, models: Mapping[str, PlannedModel], shm: int) -> dict[str, int]:
    triton = capacity.memory_bytes(models, shm)
    here = {**({TRITON: triton} if triton else {}), **LIMITS}
    return here | dict(stack.memory)


def _server(
    server: Server,
    stack: Stack,
    gateway: Haproxy | None,
    models: Mapping[str, PlannedModel],
    release: Release,
) -> Server:
    """Return what the Tritons are told: what the spec says wins."""
    chosen: dict[str, Any] = {
        "exit_timeout_secs": _exit_s(models),
        "log_format": "ISO8601",
    }
    if stack.gpus == "none":
        chosen["pinned_memory_pool_byte_size"] = 0  # it is for copies to a GPU
    ages = not release.lacks("flag:grpc-max-connection-age")
    if ages and release.tag < STREAMS_DRAIN_SINCE:
        streams = any(m.config.model_transaction_policy.decoupled for m in models.values())
        age, grace = STREAMS if streams else UNARY
        chosen["grpc_max_connection_age"] = 1000 * age
        chosen["grpc_max_connection_age_grace"] = 1000 * grace
    if gateway and not release.lacks("flag:http-max-input-size"):
        chosen["http_max_input_size"] = gateway.max_request_size
    if stack.tracing:
        url = f"http://{OTEL}:{OTLP_HTTP_PORT}/v1/traces"
        to = OpenTelemetry(url=url, resource={"service.name": "triton"})
        chosen["trace_config"] = TraceConfig(
            mode="opentelemetry", level=("TIMESTAMPS",), rate=stack.tracing.rate, opentelemetry=to
        )
    left = {key: value for key, value in chosen.items() if getattr(server, key) is None}
    left["metrics_config"] = metrics_config(server.metrics_config, release)
    ports = dict.fromkeys(("http_port", "grpc_port", "metrics_port"))
    return server.model_copy(update={**left, **ports})


def _exit_s(models: Mapping[str, PlannedModel]) -> int:
    long = capacity.LANGUAGE_MODELS & capacity.names(models)
    return LANGUAGE_MODEL_EXIT_S if long else EXIT_S


def _stop_grace_s(server: Server) -> int:
    """Return when Docker may kill a Triton: after its own timeout, and after any stream is cut."""
    age = (server.grpc_max_connection_age or 0) * 1.1  # gRPC varies it by a tenth
    streams = (age + (server.grpc_max_connection_age_grace or 0)) / 1000 if age else 0
    return int(max(server.exit_timeout_secs or 0, streams)) + STOP_MARGIN_S


def _decisions(
    spec: Spec, planned: PlannedStack, loadtests: Mapping[str, PlannedLoadTest]
) -> Iterator[Decision]:
    stack = spec.stack
    assert stack is not None, "asked only for a stack"
    for service, image in planned.images.items():
        path = ("stack", "images", service)
        yield said(path, image) if service in stack.images else default(path, image, _why(service))
    for service, limit in planned.memory_bytes.items():
        path = ("stack", "memory", service)
        shown = f"{limit // MiB}MiB"
        if service in stack.memory:
            yield said(path, shown)
        elif service == TRITON:
            why = "2 GiB, /dev/shm, three times the weights of each instance, Python's processes"
            yield default(path, shown, why)
    for key, value, why in (
        ("shm_size", f"{planned.shm_bytes // MiB}MiB", SHM),
        ("start_period", f"{planned.start_period_s}s", START),
        ("stop_grace_period", f"{planned.stop_grace_s}s", GRACE),
    ):
        yield default(("stack", key), value, why)
    for key, value in planned.server:
        if value is not None and getattr(spec.server, key) != value:
            yield default(("stack", "server", key), _shown(value), SERVER[key])
    if planned.gateway:
        where, kept = ("stack", "gateway", "haproxy", "retry_size"), planned.gateway.retry_size
        chosen = stack.gateway != "none" and stack.gateway.haproxy.retry_size == kept
        yield said(where, f"{kept}B") if chosen else default(where, f"{kept}B", RETRY)
    if not loadtests:
        yield default(("stack", LOCUST_MASTER), "none", "the spec has no load tests to run")
    for file in planned.extra:
        yield said(("stack", "extra", file), "laid over what is generated")


def _why(service: str) -> str:
    if service == TRITON:
        return "the release's image that holds the backends of the models"
    return "a tag that the stack was written for"


def _shown(value: Any) -> str:
    if isinstance(value, MetricsConfig | TraceConfig):
        return " ".join(f"{k}={v}" for k, v in value.model_dump(exclude_none=True).items() if v)
    return str(value)


RETRY = (
    "the largest request with one row, 64 KiB to 1 MiB, 256 KiB where a size varies: the gateway "
    "keeps a request of this size until it is answered"
)
SHM = (
    "for each instance of a Python model 1 MiB and twice the tensors of a full batch; where their "
    "size varies, twice the largest request; 1 GiB for PyTorch and language models"
)
START = "a minute, reading the weights at 50 MiB/s, 5 s for each instance of a Python model"
GRACE = "after Triton's own exit timeout, and after its longest gRPC stream was cut"
SERVER: Mapping[str, str] = {
    "exit_timeout_secs": "requests on their way are answered; Docker would kill it later",
    "log_format": "logs of several services are read together",
    "metrics_config": TRUE_LATENCIES,
    "pinned_memory_pool_byte_size": "there is no GPU to copy to",
    "grpc_max_connection_age": "this release waits for open streams when it is told to stop",
    "grpc_max_connection_age_grace": "this release waits for open streams when it is told to stop",
    "http_max_input_size": "what the gateway lets through",
    "trace_config": "the spec asks for traces",
}
