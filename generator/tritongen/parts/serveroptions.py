"""Turns a planned server into tritonserver's options, the same for every engine."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tritongen.records.plan import Plan
from tritongen.records.scalars import Record
from tritongen.records.server import PORTS, RedisCache, ResponseCache, Restricted, Server

CACHE_BYTES = 64 * 2**20
"""How large the local response cache is unless the spec says."""

PASSWORD = "TRITONCACHE_REDIS_PASSWORD"  # noqa: S105, a variable's name
"""Where the server looks for the password of Redis."""


@dataclass(frozen=True)
class Option:
    """An argument ``--name=value``; ``value`` of ``None`` is a flag without one.

    ``secret`` names the environment variable whose value follows ``value``.
    """

    name: str
    value: str | None = None
    secret: str | None = None

    @property
    def argument(self) -> str:
        """The argument without the secret that it ends with."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"


def server_options(plan: Plan, *, ports: bool = True) -> tuple[Option, ...]:
    """Return what a spec says to its server, and what follows from its models.

    Without ``ports``, those of the three services are left out.
    """
    said = (
        option
        for key, value in plan.server
        if value is not None and (ports or key not in PORTS)
        for option in _WRITERS.get(key, _plain)(_dashed(key), value)
    )
    return (*said, *_following(plan))


def flags(server: Server) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the options that are said, and the settings in them, each with its path."""
    for key, value in server:
        if value is None:
            continue
        flag = "cache-config" if key == "response_cache" else _dashed(key)
        yield (key,), flag
        for inner, said in value if isinstance(value, Record) else ():
            if said is not None:
                yield (key, inner), f"{flag}.{inner}"


def server_secrets(server: Server) -> dict[str, str]:
    """Return variables that the server reads by itself -> the user's variables that hold them."""
    redis = server.response_cache and server.response_cache.redis
    return {PASSWORD: redis.password.env} if redis and redis.password else {}


def _following(plan: Plan) -> Iterator[Option]:
    if not plan.auto_complete:
        yield Option("disable-auto-complete-config")
    asked = any(model.config.response_cache.enable for model in plan.models.values())
    if asked and plan.server.response_cache is None:
        yield from _cache("cache-config", ResponseCache())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _plain(name: str, value: Any) -> Iterator[Option]:
    for one in value if isinstance(value, tuple) else (value,):
        yield Option(name, _text(one))


def _if_true(name: str, value: bool) -> Iterator[Option]:
    # `--grpc-use-ssl-mutual=false` turns TLS on (2.51).
    if value:
        yield Option(name, "true")


def _settings(
    name: str, record: Record, prefix: str = "", rename: Callable[[str], str] = str
) -> Iterator[Option]:
    """Yield ``--name=prefix,key=value`` for all scalars that a record says."""
    for key, value in record:
        if value is not None and not isinstance(value, (Record, Mapping)):
            for one in value if isinstance(value, tuple) else (value,):
                yield Option(name, f"{prefix}{rename(key)}={_text(one)}")


def _dashed(key: str) -> str:
    return key.replace("_", "-")


def _backend_config(name: str, value: Mapping[str, str | Mapping[str, str]]) -> Iterator[Option]:
    for backend, said in value.items():
        if isinstance(said, str):
            yield Option(name, f"{backend}={said}")
        else:
            for key, setting in said.items():
                yield Option(name, f"{backend},{key}={setting}")


def _cache(_: str, value: ResponseCache) -> Iterator[Option]:
    if value.redis is None:
        size = value.local.size if value.local else None
        yield Option("cache-config", f"local,size={size or CACHE_BYTES}")
        return
    redis: RedisCache = value.redis
    yield from _settings("cache-config", redis, "redis,")


def _per_device(name: str, value: Mapping[int, float]) -> Iterator[Option]:
    for device, amount in value.items():
        yield Option(name, f"{device}:{_text(amount)}")


def _resources(name: str, value: Mapping[str, int | Mapping[int, int]]) -> Iterator[Option]:
    for resource, said in value.items():
        if isinstance(said, int):
            yield Option(name, f"{resource}:{said}")
        else:
            for device, count in said.items():
                yield Option(name, f"{resource}:{count}:{device}")


def _policies(name: str, value: Mapping[str, Record]) -> Iterator[Option]:
    for policy, said in value.items():
        yield from _settings(name, said, f"{policy},", _dashed)


def _restricted(name: str, value: tuple[Restricted, ...]) -> Iterator[Option]:
    for group in value:
        yield Option(name, f"{','.join(group.apis)}:{group.header}=", group.value.env)


def _metrics(name: str, value: Any) -> Iterator[Option]:
    yield from _settings(name, value)
    if value.summary_quantiles:
        pairs = (f"{_text(q)}:{_text(e)}" for q, e in value.summary_quantiles.items())
        yield Option(name, f"summary_quantiles={','.join(pairs)}")


def _traces(name: str, value: Any) -> Iterator[Option]:
    yield from _settings(name, value)
    if value.triton:
        yield from _settings(name, value.triton, "triton,", _dashed)
    if value.opentelemetry:
        yield from _settings(name, value.opentelemetry, "opentelemetry,")
        for key, text in value.opentelemetry.resource.items():
            yield Option(name, f"opentelemetry,resource={key}={text}")


_WRITERS: Mapping[str, Callable[[str, Any], Iterator[Option]]] = {
    "grpc_use_ssl_mutual": _if_true,
    "backend_config": _backend_config,
    "response_cache": _cache,
    "rate_limit_resource": _resources,
    "host_policy": _policies,
    "http_restricted_api": _restricted,
    "grpc_restricted_protocol": _restricted,
    "metrics_config": _metrics,
    "trace_config": _traces,
    "model_load_gpu_limit": _per_device,
    "cuda_memory_pool_byte_size": _per_device,
    "cuda_virtual_address_size": _per_device,
}
