"""What was measured: ``results.json``, and the lines of the live feed.

Times that end in ``_us`` are whole microseconds, in ``_s`` seconds on the clock of the run: 0 is
the end of the warm-up. A request belongs to the second in which it was *due*.

``results``: 1, the version of this format.
``scenario``: scenario.json as it was read. ``name``, ``protocol``, ``address`` are also here.
``started_at``, ``finished_at``: UTC, ISO 8601: of the warm-up's begin, of the last that was told.
``measured_s``: how much of ``duration_s`` was measured: less than it where ``partial``.
``partial``: null, or why the run ended early: ``interrupted``, ``workers lost``, ``not finished``.
``trustworthy``: false where ``distrust``, a list of ``{"reason", "message"}``, has an entry:

- ``lag``: the program itself was late (99th percentile) by more than ``lag_limit`` of the 99th
  percentile of latency, and by more than 2 ms;
- ``cpu``: a worker used more than 90% of a core: Python needs one for all it does at once;
- ``worker-lost``: what a worker measured after its last message is missing, and so is its load.

``saturated``: the share of requests that were due while all of ``max_in_flight`` were on their way
(null for a closed loop): above a hundredth, the server was not offered what was asked.
``generator_lag_us``: a distribution: how late the program woke up, all workers together.
``workers``: ``[{"id", "state": "done" | "lost" | "stopped", "cpu": 0.4, "told_s": 59.0}]``: ``cpu``
is the share of one core that it used; ``told_s`` when it last told anything. There is one,
``local``, where the program ran alone.
``versions``: of ``program`` (a digest of its modules), ``python``, ``locust``, ``tritonclient``,
``grpcio``, ``gevent``, ``numpy``.
``total`` and, by request name, ``requests`` are figures:

- ``offered``: requests that were due = ``answered`` + ``failed`` + ``unsent`` + ``unfinished``.
  ``unsent``: still waiting for a free one of ``max_in_flight`` when the time was over;
  ``unfinished``: on their way when the run ended early. ``sent``: all but ``unsent``;
- ``rate``: answered per second of ``measured_s``; ``rate_ci``: its 95% confidence interval, from
  ``windows`` (null if shorter than 10 s); ``error_rate``: (failed + unsent) / offered;
- ``latency_us``: of answers, from the time the request was *due*. ``service_us``: from the time it
  was really sent. ``lag_us``: what lies between. The first two are the same in a closed loop;
- ``failed_us``: of failures, from the time they were due;
- ``responses``: of streams, with ``first_response_us`` (from due) and ``between_responses_us``;
- ``failures``: ``[{"kind", "code", "message", "count"}]``, most first. ``kind`` is ``timeout``,
  ``connection``, ``http`` (``code`` 400), ``grpc`` (``code`` UNAVAILABLE; none in a stream),
  ``shape``, ``answer``.

A distribution is null if empty, else ``{"count", "min", "max", "mean", "p50", "p90", "p95", "p99",
"p99.9", "ci": {"p50": [low, high], ...}, "histogram"}``: right to 3 significant digits; ``ci`` are
95% intervals by order statistics (high null where too few were measured to say); ``histogram`` is
HdrHistogram's own text (V2, zlib, base64), merged over all workers.

``seconds``: ``[{"second", "offered", "answered", "failed", "in_flight", "p50_us", "p95_us",
"p99_us", "requests": {name: {"offered", "answered", "failed", "p50_us", "p95_us", "p99_us"}}}]``,
warm-up first (negative); latency from due, null if nothing was answered; ``in_flight`` at its end.
``stability``: ``{"stable", "message", "windows": [{"from_s", "to_s", "rate", "p50_us",
"p99_us"}]}``: the measured time in ten equal parts or a few more. ``stable`` is null where the load
was meant to change (levels, burst, trace) or the run was shorter than 5 s; false where the rate, or
the median of the latency, moves by more than a tenth from the first half to the second, and by more
than the noise between the windows explains.

A line of the live feed is one of ``seconds`` without ``requests``, with ``"progress"`` (0 to 1 of
warm-up and duration) and ``"workers"`` (how many still report). It comes about a second late.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from load_scenario import Scenario
from load_tally import Measured, Tally

FORMAT = 1
BUSY = 0.9
LATE_US = 2000
"""Lateness that is always forgiven: what a machine's scheduler does by itself."""


@dataclass(kw_only=True)
class Worker:
    """What is known of a worker."""

    id: str
    state: str = "done"
    cpu: float = 0.0
    told_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a run went, besides what was measured."""

    started_at: str
    finished_at: str
    measured_s: float
    partial: str | None
    workers: Sequence[Worker]
    versions: Mapping[str, str]


def document(scenario: Scenario, measured: Measured, ran: Ran) -> dict[str, Any]:
    """Return what ``results.json`` holds."""
    total = measured.total()
    distrust = _distrust(scenario, measured, total, ran.workers)
    closed = scenario.arrivals.closed
    names = [request.name for request in scenario.requests]
    whole = range(-ceil(scenario.warmup_s), ceil(ran.measured_s))
    seconds = measured.lines(whole)
    windows = _windows(measured, seconds, ran.measured_s)
    return {
        "results": FORMAT,
        "name": scenario.name,
        "protocol": scenario.protocol,
        "address": scenario.address,
        "scenario": json.loads(scenario.text),
        "started_at": ran.started_at,
        "finished_at": ran.finished_at,
        "measured_s": ran.measured_s,
        "partial": ran.partial,
        "trustworthy": not distrust,
        "distrust": distrust,
        "saturated": None if closed or not total.offered else _late(total) / total.offered,
        "generator_lag_us": measured.lag.distribution(),
        "workers": [asdict(worker) for worker in ran.workers],
        "versions": dict(ran.versions),
        "total": figures(total, ran.measured_s, [window["rate"] for window in windows]),
        "requests": {
            name: figures(tally, ran.measured_s, _rates(name, windows, seconds))
            for name, tally in ((name, measured.totals.get(name, Tally())) for name in names)
        },
        "seconds": seconds,
        "stability": _stability(scenario, windows),
    }


def figures(tally: Tally, measured_s: float, rates: Sequence[float]) -> dict[str, Any]:
    """Return the figures of all requests or of one name; ``rates`` are those of the windows."""
    offered, unsent = tally.offered, tally.unsent
    return {
        "offered": offered,
        "sent": offered - unsent,
        "answered": tally.answered,
        "failed": tally.failed,
        "unsent": unsent,
        "unfinished": offered - tally.answered - tally.failed - unsent,
        "rate": tally.answered / measured_s if measured_s else 0.0,
        "rate_ci": interval(rates) if measured_s >= 10 else None,
        "error_rate": (tally.failed + unsent) / offered if offered else 0.0,
        "latency_us": tally.latency.distribution(),
        "service_us": tally.service.distribution(),
        "lag_us": tally.lag.distribution(),
        "failed_us": tally.failures_took.distribution(),
        "responses": tally.responses,
        "first_response_us": tally.first_response.distribution(),
        "between_responses_us": tally.between_responses.distribution(),
        "failures": [
            {"kind": kind, "code": code, "message": message, "count": count}
            for (kind, code, message), count in sorted(
                tally.failures.items(), key=lambda item: (-item[1], item[0])
            )
        ],
    }


def _late(tally: Tally) -> int:
    """Return how many requests found no free place: sent late, or not at all."""
    return tally.waited + tally.unsent


def interval(values: Sequence[float]) -> list[float] | None:
    """Return the 95% confidence interval of the mean of independent values (Student's t)."""
    if len(values) < 2:
        return None
    free = len(values) - 1
    student = 1.96 + 2.37 / free + 2.82 / free**2
    reach = student * stdev(values) / sqrt(len(values))
    return [fmean(values) - reach, fmean(values) + reach]


def _distrust(
    scenario: Scenario, measured: Measured, total: Tally, workers: Sequence[Worker]
) -> list[dict[str, str]]:
    found = []
    (lag,), (latency,) = measured.lag.at(0.99), total.latency.at(0.99)
    if lag and latency and lag > max(LATE_US, scenario.lag_limit * latency):
        text = (
            f"the load generator woke up {lag / 1000:.1f} ms late (p99; p99 of latency:"
            f" {latency / 1000:.1f} ms): give it more cores, more workers or less load"
        )
        found.append({"reason": "lag", "message": text})
    for worker in workers:
        if worker.cpu > BUSY:
            text = f"worker {worker.id} used {worker.cpu:.0%} of a core: use more workers"
            found.append({"reason": "cpu", "message": text})
        if worker.state == "lost":
            text = f"worker {worker.id} was lost at {worker.told_s:.0f} s, and its load with it"
            found.append({"reason": "worker-lost", "message": text})
    return found


def _windows(
    measured: Measured, seconds: Sequence[Mapping[str, Any]], measured_s: float
) -> list[dict[str, Any]]:
    """Return the windows that were measured from begin to end."""
    length = measured.window_s
    answered = {line["second"]: line["answered"] for line in seconds}
    found = []
    for i, latency in enumerate(measured.windows):
        begin, end = i * length, (i + 1) * length
        if end > measured_s:
            break
        rate = sum(answered[second] for second in range(begin, end)) / length
        p50, p99 = latency.at(0.5, 0.99)
        found.append({"from_s": begin, "to_s": end, "rate": rate, "p50_us": p50, "p99_us": p99})
    return found


def _rates(
    name: str, windows: Sequence[Mapping[str, Any]], seconds: Sequence[Mapping[str, Any]]
) -> list[float]:
    answered = {
        line["second"]: line["requests"].get(name, {}).get("answered", 0) for line in seconds
    }
    return [
        sum(answered[second] for second in range(window["from_s"], window["to_s"]))
        / (window["to_s"] - window["from_s"])
        for window in windows
    ]


def _stability(scenario: Scenario, windows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    levels = {level for each in scenario.arrivals.stages for level in (each.start, each.end)}
    stable, message = None, "the load was meant to change"
    if len(levels) == 1:
        stable, message = _compared(windows)
    return {"stable": stable, "message": message, "windows": list(windows)}


def _compared(windows: Sequence[Mapping[str, Any]]) -> tuple[bool | None, str]:
    """Hold the second half of the windows against the first."""
    if len(windows) < 5:
        return None, "too short to judge"
    middle = len(windows) // 2
    for key, name, unit, scale in (
        ("rate", "the rate of answers", "/s", 1),
        ("p50_us", "the median of latency", " ms", 1e-3),
    ):
        halves = [
            [window[key] for window in half if window[key] is not None]
            for half in (windows[:middle], windows[middle:])
        ]
        if min(map(len, halves)) < 2:
            return None, "too few answers to judge"
        before, after = map(fmean, halves)
        noise = sqrt(sum(stdev(half) ** 2 / len(half) for half in halves))
        if abs(after - before) > max(0.1 * before, 2 * noise):
            moved = f"from {before * scale:.3g} to {after * scale:.3g}{unit}"
            return False, f"{name} moved {moved} between the halves"
    return True, "no difference between the halves beyond noise"


def live(line: Mapping[str, Any], progress: float, workers: int) -> str:
    """Return a line of the live feed."""
    kept = {key: value for key, value in line.items() if key != "requests"}
    return json.dumps({**kept, "progress": round(progress, 4), "workers": workers}) + "\n"


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Write ``results.json``, all of it or nothing; raise ``OSError`` if that can't be."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
