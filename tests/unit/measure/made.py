"""Measurements made by hand: only what a test is about is said."""

from collections.abc import Mapping
from typing import Any

from tritongen.records.measurement import (
    Figures,
    Latency,
    Load,
    Measurement,
    ModelTimes,
    Server,
)


def load(**said: Any) -> Load:
    usual: dict[str, Any] = {
        "name": "steady",
        "protocol": "grpc",
        "models": {"whole": 1.0},
        "arrivals": "100/s, poisson",
        "rate_rps": 100.0,
        "users": None,
        "duration_s": 10.0,
        "warmup_s": 1.0,
        "seed": 0,
        "processes": 1,
    }
    return Load(**usual | said)


def latency(p50: float = 10.0, *, mean: float | None = None, **said: Any) -> Latency:
    usual: dict[str, Any] = {
        "count": 1000,
        "mean_ms": p50 if mean is None else mean,
        "min_ms": 1.0,
        "max_ms": 100.0,
        "p50_ms": p50,
        "p90_ms": 2 * p50,
        "p95_ms": 3 * p50,
        "p99_ms": 4 * p50,
        "p999_ms": 5 * p50,
    }
    return Latency(**usual | said)


def figures(answered: int = 1000, **said: Any) -> Figures:
    usual: dict[str, Any] = {
        "offered": answered,
        "answered": answered,
        "failed": 0,
        "unsent": 0,
        "rate_rps": answered / 10,
        "rate_ci_rps": None,
        "error_rate": 0.0,
        "latency": latency(),
        "service": latency(),
        "failures": (),
    }
    return Figures(**usual | said)


def times(name: str, **said: Any) -> ModelTimes:
    """A model that answered 1000 requests in 10 s, 1 ms each, and waited for nothing."""
    usual: dict[str, Any] = {
        "name": name,
        "instances": 1,
        "max_batch_size": 16,
        "queue_delay_us": 0,
        "batching": True,
        "requests": 1000,
        "failed": 0,
        "rows": 1000,
        "executions": 1000,
        "total_ms": 1.0,
        "queue_ms": 0.0,
        "compute_input_ms": 0.0,
        "compute_infer_ms": 1.0,
        "compute_output_ms": 0.0,
        "busy_s": 1.0,
        "batches": {1: 1000},
        "cache_hits": 0,
        "cache_misses": 0,
    }
    return ModelTimes(**usual | said)


def server(*models: ModelTimes, whole_ms: float = 5.0, **said: Any) -> Server:
    """A server with an ensemble ``whole`` of these models."""
    ensemble = times(
        "whole",
        instances=0,
        busy_s=0.0,
        total_ms=whole_ms,
        steps=tuple(model.name for model in models),
    )
    usual: dict[str, Any] = {"window_s": 10.0, "cpu_cores": 0.5, "cores": 4, "source": "test"}
    return Server(models=(*models, ensemble), **usual | said)


def measurement(total: Figures | None = None, **said: Any) -> Measurement:
    total = total or figures()
    requests: Mapping[str, Figures] = {"whole": total}
    usual: dict[str, Any] = {
        "load": load(),
        "started_at": "2026-01-01T00:00:00+00:00",
        "window_s": 60.0,
        "total": total,
        "requests": requests,
        "server": None,
        "bottleneck": None,
        "verdicts": (),
        "distrust": (),
        "partial": None,
        "stable": True,
        "saturated": 0.0,
        "environment": {},
    }
    return Measurement(**usual | said)
