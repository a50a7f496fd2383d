"""Where a load changes, its busiest seconds say what limits: the mean of the run hides them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tritongen.records.measurement import Figures

PEAK_S = 5
STANDS_OUT = 1.3
"""Chance alone makes the busiest five seconds of a steady load a little busier than the mean."""


def peak(seconds: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the busiest seconds, from and to; none where the load is about the same throughout.

    ``seconds`` are the whole ones that were measured, as in ``results.json``.
    """
    offered = [each["offered"] for each in seconds]
    if len(offered) < 2 * PEAK_S:
        return None
    begins = range(len(offered) - PEAK_S + 1)
    busiest = max(begins, key=lambda begin: sum(offered[begin : begin + PEAK_S]))
    most = sum(offered[busiest : busiest + PEAK_S]) / PEAK_S
    if most < STANDS_OUT * sum(offered) / len(offered):
        return None
    return busiest, busiest + PEAK_S


def figures_of(total: Figures, seconds: Sequence[Mapping[str, Any]]) -> Figures:
    """Return the figures of the requests that were due in some of the seconds.

    Their latencies are not known apart from the others'.
    """
    answered = sum(each["answered"] for each in seconds)
    return replace(
        total,
        offered=sum(each["offered"] for each in seconds),
        answered=answered,
        failed=sum(each["failed"] for each in seconds),
        unsent=0,
        rate_rps=answered / len(seconds),
        rate_ci_rps=None,
        latency=None,
        service=None,
        failures=(),
        seconds=(),
    )
