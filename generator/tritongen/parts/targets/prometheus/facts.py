"""What the plan knows, recorded as series of constant value, so that the rules can join it."""

from collections.abc import Iterator, Mapping
from typing import Any

from tritongen.records.messages import ModelConfig
from tritongen.records.metrics import OBJECTIVES, metrics
from tritongen.records.monitoring import (
    Objective,
    objectives,
    quantiles,
    queue_limit,
    served,
    uses,
)
from tritongen.records.plan import Plan

Fact = tuple[str, Mapping[str, str], float]
"""Name, labels and value of a series."""


def facts(plan: Plan) -> Iterator[Mapping[str, Any]]:
    """Yield a recording rule for each fact; ``records.metrics.FACTS`` says what they mean."""
    for name, labels, value in _facts(plan):
        yield {
            "record": f"tritongen:{name}",
            "expr": f"vector({value:.12g})",
            **({"labels": dict(labels)} if labels else {}),
        }


def _facts(plan: Plan) -> Iterator[Fact]:
    assert plan.stack is not None, "asked only for a stack"
    yield "replicas:planned", {}, plan.stack.replicas
    for name in served(plan):
        model = plan.models[name]
        ensemble = model.kind == "ensemble"
        yield "model:info", {"model": name, "kind": model.kind}, 1
        yield "model:failures_counted", {"model": name}, 2 if ensemble and _twice(plan) else 1
        if ensemble:
            for step, times in uses(plan, name).items():
                yield "step:uses", {"ensemble": name, "model": step}, times
            continue
        yield "model:queue_delay", {"model": name}, _queue_delay_s(model.config)
        if limit := queue_limit(model.config):
            yield "model:queue_limit", {"model": name}, limit
    for quantile in quantiles(plan):
        yield "quantile:share", {"quantile": f"{quantile:g}"}, 1 - quantile
    for objective in objectives(plan):
        yield from _objective(objective)


def _twice(plan: Plan) -> bool:
    """Tell whether Triton counts failures of ensembles twice: since it tells reasons."""
    reason = metrics()["nv_inference_request_failure"]
    return plan.release.lacks(f"metric:{reason.name}.reason") is None


def _queue_delay_s(config: ModelConfig) -> float:
    batching = config.dynamic_batching, config.sequence_batching.oldest
    return max(each.max_queue_delay_microseconds for each in batching) / 1e6


def _objective(objective: Objective) -> Iterator[Fact]:
    seen = {"model": objective.model, "seen": objective.seen}
    if objective.name not in OBJECTIVES:
        yield "slo:error_limit", seen, objective.limit
        return
    named = {"model": objective.model, "objective": objective.name}
    yield "slo:latency_limit", seen | named, objective.limit
    yield "slo:slow_limit", named, 1 - OBJECTIVES[objective.name]
    if objective.seen == "gateway":
        yield "slo:latency_bucket", {**named, "le": f"{objective.limit:.12g}"}, 1
