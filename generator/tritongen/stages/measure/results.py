"""Reads what the load program wrote: ``results.json``, and the lines of its live feed.

What the keys mean stands in ``runtime/load/load_results.py``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tritongen.formats.growing import GrowingText
from tritongen.records.measurement import Failures, Figures, Interval, Latency

PERCENTILES = {"p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99", "p99.9": "p999"}
MOST_SATURATED = 0.01


def figures(said: Mapping[str, Any], seconds: Sequence[Mapping[str, Any]]) -> Figures:
    """Return the figures of one request name, or of all; ``seconds`` are its own."""
    ci = said["rate_ci"]
    return Figures(
        offered=said["offered"],
        answered=said["answered"],
        failed=said["failed"],
        unsent=said["unsent"],
        rate_rps=said["rate"],
        rate_ci_rps=(ci[0], ci[1]) if ci else None,
        error_rate=said["error_rate"] or 0.0,
        latency=_latency(said["latency_us"]),
        service=_latency(said["service_us"]),
        failures=tuple(
            Failures(
                kind=each["kind"],
                code=str(each.get("code") or ""),
                message=each["message"],
                count=each["count"],
            )
            for each in said["failures"]
        ),
        seconds=tuple(
            (each["answered"], _ms(each["p50_us"]), _ms(each["p95_us"]), _ms(each["p99_us"]))
            for each in seconds
        ),
    )


def _latency(said: Mapping[str, Any] | None) -> Latency | None:
    if said is None:
        return None
    return Latency(
        count=said["count"],
        mean_ms=said["mean"] / 1e3,
        min_ms=said["min"] / 1e3,
        max_ms=said["max"] / 1e3,
        **{f"{ours}_ms": said[theirs] / 1e3 for theirs, ours in PERCENTILES.items()},
        ci_ms={
            PERCENTILES[key]: _interval(ci) for key, ci in said["ci"].items() if key in PERCENTILES
        },
    )


def _interval(said: Sequence[float | None]) -> Interval:
    low, high = said
    return ((low or 0.0) / 1e3, None if high is None else high / 1e3)


def _ms(micros: float | None) -> float | None:
    return None if micros is None else micros / 1e3


def measured_seconds(client: Mapping[str, Any], name: str | None = None) -> list[Mapping[str, Any]]:
    """Return the whole seconds after the warm-up, of one request name or of all."""
    last = int(client["measured_s"])
    inside = [each for each in client["seconds"] if 0 <= each["second"] < last]
    if name is None:
        return inside
    return [each["requests"][name] for each in inside if name in each["requests"]]


def distrust(client: Mapping[str, Any]) -> Iterator[str]:
    """Say why the program's figures can't be trusted."""
    for each in client["distrust"]:
        yield each["message"]
    if (client["saturated"] or 0.0) > MOST_SATURATED:
        yield (
            f"{100 * client['saturated']:.0f}% of the requests found all of the program's places "
            "taken and were sent late: the server does not keep up with this rate"
        )


class Feed:
    """The live lines of a run, as they are written."""

    def __init__(self, path: Path) -> None:
        self._text = GrowingText(path)

    def new_lines(self) -> list[Mapping[str, Any]]:
        """Return the whole lines since the last call; none while there is no file."""
        return [json.loads(line) for line in self._text.new_lines()]
