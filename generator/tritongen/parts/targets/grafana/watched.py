"""What a plan has that pages show: who is asked, what is known of latency, instances, limits."""

from collections.abc import Iterator

from tritongen.parts.targets.grafana.page import RED, Query, Steps
from tritongen.records.messages import ModelInstanceGroup
from tritongen.records.metrics import OBJECTIVES
from tritongen.records.monitoring import objectives, parts, quantiles, uses
from tritongen.records.plan import Plan

SHOWN = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
"""Quantiles in pictures."""

REPLICAS = "tritongen:replicas_up:count"


def shown(plan: Plan) -> tuple[str, ...]:
    """Return all models: ensembles first, then what stands by itself, then steps."""
    steps = {step for name in _ensembles(plan) for step in uses(plan, name)}
    order = {"ensemble": 0}
    return tuple(sorted(plan.models, key=lambda m: (order.get(plan.models[m].kind, 1), m in steps)))


def asked(plan: Plan) -> tuple[str, ...]:
    """Return the models that clients ask: those that are no steps, or have objectives of their own.

    A step that a load test sends to is asked, too.
    """
    steps = {step for name in _ensembles(plan) for step in uses(plan, name)}
    inner = {
        step.model_name
        for name in _ensembles(plan)
        for step in plan.models[name].config.ensemble_scheduling.step
    }
    named = {each.model for each in objectives(plan)}
    named |= {each.model for test in plan.loadtests.values() for each in test.traffic}
    return tuple(name for name in shown(plan) if name not in steps | inner or name in named)


def _ensembles(plan: Plan) -> Iterator[str]:
    return (name for name, model in plan.models.items() if model.kind == "ensemble")


def ensembles(plan: Plan) -> tuple[str, ...]:
    """Return the ensembles."""
    return tuple(_ensembles(plan))


def through_gateway(plan: Plan, name: str) -> bool:
    """Tell whether the gateway tells how long clients waited for a model."""
    return "gateway" in parts(plan) and not plan.decoupled(name) and name in asked(plan)


def latency(plan: Plan, name: str) -> tuple[Query, ...]:
    """Return the quantiles of a model's latency, as near to the client as they are known.

    Where none are, as for a model that is answered from the cache, it is the mean.
    """
    model = f'model="{name}"'
    if through_gateway(plan, name):
        series, known = "tritongen:gateway_latency:quantile", set(SHOWN.values())
    elif plan.decoupled(name):
        series, known = "tritongen:first_response:quantile", set(SHOWN.values())
        known = known if "first_responses" in parts(plan) else set()
    else:
        series, known = "tritongen:latency:quantile", summarized(plan, name)
    found = tuple(
        Query(f'{series}{{{model}, quantile="{share}"}}', said)
        for said, share in SHOWN.items()
        if share in known
    )
    return found or (Query(f"tritongen:latency:mean1m{{{model}}}", "mean"),)


def summarized(plan: Plan, name: str) -> set[float]:
    """Return the quantiles that Triton tells of a model's requests."""
    told = plan.stack.server.metrics_config if plan.stack else None
    cached = plan.models[name].config.response_cache.enable
    return set() if cached or told is None or not told.summary_latencies else set(quantiles(plan))


def latency_limits(plan: Plan, name: str) -> Steps:
    """Return the objectives for a model's latency, in seconds; the strictest first."""
    own = (each for each in objectives(plan) if each.model == name and each.name in OBJECTIVES)
    return tuple((limit, RED) for limit in sorted({each.limit for each in own}))


def failure_limit(plan: Plan) -> float | None:
    """Return the strictest objective for failures, as a share of requests."""
    limits = (each.limit for each in objectives(plan) if each.name == "error_rate")
    return min(limits, default=None)


def instances(plan: Plan, name: str) -> int | None:
    """Return how many instances of a model a server has; ``None`` where its GPUs decide that."""
    counts = [_instances(group) for group in plan.models[name].config.instance_group]
    return sum(count for count in counts if count) if counts and all(counts) else None


def _instances(group: ModelInstanceGroup) -> int:
    if group.kind == ModelInstanceGroup.KIND_CPU:
        return int(group.count)
    return int(group.count) * len(group.gpus) if group.kind == ModelInstanceGroup.KIND_GPU else 0
