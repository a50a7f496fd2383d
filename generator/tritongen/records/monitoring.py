"""What of a plan is watched, and by what: for the rules of Prometheus and the dashboards."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tritongen.records.messages import ModelConfig
from tritongen.records.metrics import OBJECTIVES, metrics
from tritongen.records.plan import Plan
from tritongen.records.server import MetricsConfig, Server

QUANTILES: Mapping[float, float] = {0.5: 0.05, 0.9: 0.01, 0.95: 0.001, 0.99: 0.001, 0.999: 0.001}
"""The quantiles of Triton's summaries unless it is told others, and how far off they may be."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A limit that a model is held to, and whose metrics tell whether it keeps it.

    ``name`` is ``error_rate`` (``limit`` is a share of requests) or a quantile's, ``p99``
    (``limit`` is in seconds).
    """

    model: str
    name: str
    limit: float
    seen: Literal["gateway", "triton"]


def objectives(plan: Plan) -> tuple[Objective, ...]:
    """Return the objectives that can be watched.

    Left out are those for throughput, and those for the latency of a model with a response cache
    where only Triton could tell it: it has no quantiles for such a model.
    """
    return tuple(_objectives(plan))


def _objectives(plan: Plan) -> Iterator[Objective]:
    gateway = plan.stack is not None and plan.stack.gateway is not None
    for name, slo in plan.spec.slo.items():
        if name not in plan.models:
            continue
        seen: Literal["gateway", "triton"] = "triton"
        if gateway and not plan.decoupled(name):
            seen = "gateway"
        cached = plan.models[name].config.response_cache.enable
        for key in ("error_rate", *OBJECTIVES):
            limit = getattr(slo, key)
            if limit is not None and not (key in OBJECTIVES and cached and seen == "triton"):
                yield Objective(model=name, name=key, limit=limit, seen=seen)


def uses(plan: Plan, ensemble: str) -> Mapping[str, int]:
    """Return how often a request of an ensemble runs each model; ensembles in it are resolved."""
    found: Counter[str] = Counter()
    for step in plan.models[ensemble].config.ensemble_scheduling.step:
        inner = plan.models.get(step.model_name)
        if inner is not None and inner.kind == "ensemble":
            found.update(uses(plan, step.model_name))
        else:
            found[step.model_name] += 1
    return found


def served(plan: Plan) -> tuple[str, ...]:
    """Return the models that a server loads when it starts: all, unless the spec names some."""
    server = _server(plan)
    named = server.load_model if server.model_control_mode == "explicit" else None
    if named is None or "*" in named:
        return tuple(plan.models)
    found: set[str] = set()
    waiting = [name for name in named if name in plan.models]
    while waiting:
        found.add(name := waiting.pop())
        steps = plan.models[name].config.ensemble_scheduling.step
        waiting += (each.model_name for each in steps if each.model_name not in found)
    return tuple(name for name in plan.models if name in found)


def quantiles(plan: Plan) -> Mapping[float, float]:
    """Return the quantiles of Triton's summaries, with their errors."""
    config = _server(plan).metrics_config
    return (config and config.summary_quantiles) or QUANTILES


def parts(plan: Plan) -> frozenset[str]:
    """Return which ``PARTS`` a plan has."""
    return frozenset(name for name, has in _parts(plan) if has)


def _parts(plan: Plan) -> Iterator[tuple[str, bool]]:
    configs = [model.config for model in plan.models.values()]
    kinds = {model.kind for model in plan.models.values()}
    server, stack, known = _server(plan), plan.stack, metrics()
    cached = any(config.response_cache.enable for config in configs)
    redis = server.response_cache and server.response_cache.redis
    first = known["nv_inference_first_response_histogram_ms"].lacks(plan.release) is None
    told = server.metrics_config or MetricsConfig()
    yield "gateway", stack is not None and stack.gateway is not None
    yield "ensembles", "ensemble" in kinds
    yield "response_cache", cached
    yield "local_cache", not redis and (cached or server.response_cache is not None)
    yield "queue_limits", any(map(queue_limit, configs))
    yield "gpu", bool(stack and stack.gpus) and server.allow_gpu_metrics is not False
    decoupled = any(map(plan.decoupled, plan.models))
    yield "first_responses", decoupled and first and bool(told.histogram_latencies)
    yield "load_times", known["nv_model_load_duration_secs"].lacks(plan.release) is None
    pinned = known["nv_pinned_memory_pool_used_bytes"].lacks(plan.release) is None
    yield "pinned_memory", pinned
    watched = objectives(plan)
    yield "slo_errors", any(each.name == "error_rate" for each in watched)
    yield "slo_latency", any(each.name in OBJECTIVES for each in watched)
    yield "seen_by_gateway", any(each.seen == "gateway" for each in watched)
    yield "seen_by_triton", any(each.seen == "triton" for each in watched)
    yield from ((each.name, each.name in OBJECTIVES) for each in watched)


def queue_limit(config: ModelConfig) -> int:
    """Return how many requests may wait for a model on one server, 0 if any number may."""
    return int(config.dynamic_batching.default_queue_policy.max_queue_size)


def _server(plan: Plan) -> Server:
    return plan.stack.server if plan.stack else plan.server
