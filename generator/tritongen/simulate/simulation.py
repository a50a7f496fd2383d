"""A system under a load test: some runs, taken together."""

from collections.abc import Sequence
from typing import Any

from tritongen.records.loadtest import Arrivals
from tritongen.records.system import Outcome, System
from tritongen.simulate.arrivals import due_ms
from tritongen.simulate.run import Run

Ran = tuple[Run, int, int]
"""A run, and what was offered and answered in its window."""
BISTABLE = 0.08
"""Beginnings that end further apart than this are told apart only by a measurement."""
RAMPS_MS = (0.0, 1000.0, 37.0)
"""Users begin within so long, at another time in each start: in step, apart, in between."""


def simulate(
    system: System,
    arrivals: Arrivals,
    *,
    seconds: float = 20.0,
    warmup_s: float = 2.0,
    seed: int = 0,
    starts: int = 1,
    trace_s: Sequence[float] = (),
) -> Outcome:
    """Put a system under load for ``warmup_s`` and then ``seconds``, and return what it did.

    ``starts`` runs have other seeds, and in a closed loop other beginnings of the users. The first
    is most like the load program's with this seed and warm-up: requests at the same random times,
    users who begin at once. The outcome is of all of them together unless it is bistable: then it
    is the first one's. ``trace_s`` are the times of ``arrivals.trace``.
    """
    import numpy as np

    runs = []
    for start in range(starts):
        run = Run(system, np.random.default_rng((seed, start)))
        rng = np.random.default_rng((seed, start) if start else seed)
        _load(run, arrivals, rng, start, warmup_s, trace_s)
        run.agenda.run(1000 * warmup_s)
        run.watch(1000 * warmup_s)
        before = run.offered, run.answered
        run.agenda.run(1000 * (warmup_s + seconds))
        runs.append((run, run.offered - before[0], run.answered - before[1]))
    return _outcome(runs, seconds, closed=arrivals.closed is not None)


def _load(
    run: Run, arrivals: Arrivals, rng: Any, start: int, warmup_s: float, trace_s: Sequence[float]
) -> None:
    if arrivals.closed:
        ramp = RAMPS_MS[start % len(RAMPS_MS)]
        run.users(sorted((rng.random(arrivals.closed.users) * ramp).tolist()))
    else:
        run.clock(due_ms(arrivals, rng, trace_s=trace_s, warmup_s=warmup_s))


def _outcome(every: Sequence[Ran], seconds: float, *, closed: bool) -> Outcome:
    import numpy as np

    spread = max(
        _spread([answered for _, _, answered in every]),
        _spread([float(np.median(run.latencies)) for run, _, _ in every if run.latencies]),
    )
    runs = every[:1] if closed and spread > BISTABLE else every
    latencies = np.concatenate([np.asarray(run.latencies) for run, _, _ in runs])
    if not len(latencies):
        latencies = np.array([np.inf])
    offered = sum(offered for _, offered, _ in runs)
    answered = sum(answered for _, _, answered in runs)
    p50, p90, p95, p99 = np.percentile(latencies, [50, 90, 95, 99]).tolist()
    return Outcome(
        seconds=seconds * len(runs),
        offered=offered,
        answered=answered,
        throughput_rps=answered / seconds / len(runs),
        mean_ms=float(latencies.mean()),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        stations=runs[0][0].seen(1000 * seconds),
        saturated=not closed and answered < 0.97 * offered,
        bistable=closed and spread > BISTABLE,
        spread=spread,
        events=sum(run.agenda.events for run, _, _ in every),
    )


def _spread(values: Sequence[float]) -> float:
    """Return how far values lie apart, as a share of the least."""
    return max(values) / min(values) - 1 if len(values) > 1 and min(values) > 0 else 0.0
