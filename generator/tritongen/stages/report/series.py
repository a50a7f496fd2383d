"""What is shown in order: the seconds of a run, and the models that its requests passed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tritongen.records.measurement import Measurement, ModelTimes

MOST = 150
"""Spans: an hour takes no more room than two minutes."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Some seconds of a run: rates are their mean, all else the worst of them.

    ``begin_s`` is on the run's clock: 0 is the end of the warm-up; latencies in milliseconds.
    """

    begin_s: float
    length_s: int
    offered: float
    answered: float
    failed: float
    in_flight: int
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def middle_s(self) -> float:
        """Return where the span is drawn."""
        return self.begin_s + self.length_s / 2


def spans(client: Mapping[str, Any]) -> list[Span]:
    """Return the seconds that the load program told, at most ``MOST`` spans of equal length."""
    lines: Sequence[Mapping[str, Any]] = client.get("seconds", ())
    length = -(-len(lines) // MOST) or 1
    # Spans begin at 0, so that none is half warm-up.
    numbers = sorted({line["second"] // length for line in lines})
    grouped: dict[int, list[Mapping[str, Any]]] = {number: [] for number in numbers}
    for line in lines:
        grouped[line["second"] // length].append(line)
    return [_span(group) for group in grouped.values()]


def _span(lines: Sequence[Mapping[str, Any]]) -> Span:
    def mean(key: str) -> float:
        return sum(float(line[key]) for line in lines) / len(lines)

    def worst(key: str) -> float | None:
        return max((line[key] / 1000 for line in lines if line[key] is not None), default=None)

    return Span(
        begin_s=lines[0]["second"],
        length_s=len(lines),
        offered=mean("offered"),
        answered=mean("answered"),
        failed=mean("failed"),
        in_flight=max(line["in_flight"] for line in lines),
        p50=worst("p50_us"),
        p95=worst("p95_us"),
        p99=worst("p99_us"),
    )


def passed(measurement: Measurement) -> Iterator[tuple[ModelTimes, int]]:
    """Yield the models that requests passed with their depth in ensembles, steps in order.

    A model that several ensembles have in common comes once, as the server counts it.
    """
    server = measurement.server
    seen: set[str] = set()
    waiting = [(name, 0) for name in reversed(list(measurement.load.models))] if server else []
    while waiting and server:
        name, depth = waiting.pop()
        model = server.model(name)
        if model is not None and name not in seen:
            seen.add(name)
            yield model, depth
            waiting += [(step, depth + 1) for step in reversed(model.steps)]
