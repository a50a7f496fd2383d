"""Objectives held against what was measured."""

from collections.abc import Iterator, Mapping

from tritongen.records.loadtest import PERCENTILES, Slo
from tritongen.records.measurement import Figures, Verdict


def verdicts(
    slo: Mapping[str, Slo], total: Figures, requests: Mapping[str, Figures]
) -> tuple[Verdict, ...]:
    """Hold every objective against its requests; ``""`` is for all together."""
    return tuple(
        verdict
        for name, objective in slo.items()
        for verdict in _of(name or "all", objective, requests.get(name, total))
    )


def _of(name: str, slo: Slo, figures: Figures) -> Iterator[Verdict]:
    for metric in PERCENTILES:
        limit_s = getattr(slo, metric)
        if limit_s is not None:
            found = getattr(figures.latency, f"{metric}_ms") if figures.latency else None
            yield _at_most(name, f"{metric}_ms", limit_s * 1e3, found)
    if slo.error_rate is not None:
        rate = figures.error_rate if figures.offered else None
        yield _at_most(name, "error_rate", slo.error_rate, rate)
    if slo.throughput is not None:
        kept = figures.rate_rps >= slo.throughput
        yield Verdict(
            requests=name,
            metric="throughput_rps",
            limit=slo.throughput,
            found=figures.rate_rps,
            kept=kept,
        )


def _at_most(name: str, metric: str, limit: float, found: float | None) -> Verdict:
    kept = found is not None and found <= limit
    return Verdict(requests=name, metric=metric, limit=limit, found=found, kept=kept)
