"""Searches on the real server itself, where there are too many settings to measure all."""

import random
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks._measured import lateness
from benchmarks._tune_rows import HOST, SEED, Row, Rows, in_front, served, space
from benchmarks._tune_searches import Log, runs, search
from benchmarks._tune_surfaces import Surface
from tritongen.cli.trials import Trials
from tritongen.parts.searches import utility
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Setting, Space, Study, Trial
from tritongen.stages.tune.expect import Expectations

TOP = 20
DRAWN, ROUNDS, PARENTS, CHILDREN = 300, 12, 12, 6


@dataclass
class Recorder:
    """Measures on the server, and keeps every row; ``realtime``: before other processes."""

    trials: Trials
    rows: Rows
    realtime: bool

    def evaluate(self, setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        """Measure a setting as a search does."""
        with in_front(self.realtime), lateness() as late:
            measurement = self.trials.evaluate(setting, test, seconds)
        closed = test.arrivals.closed
        assert closed is not None
        self.rows.add(
            Row(
                kind="search",
                setting=setting if setting.values else space(self.trials.plan).start,
                users=closed.users,
                round=len(self.rows.rows),
                seconds=seconds,
                late_ms=statistics.quantiles(late, n=50)[-1],
                measurement=measurement,
            )
        )
        return measurement


def search_live(
    surface: Surface, plan: Plan, rows: Rows, log: Log, folder: Path, end: float
) -> None:
    """Run each search once within each limit of the surface; one that is begun is ended."""
    for seed, cap, method in runs(log.found, surface.caps, seeds=1):
        if time.monotonic() > end:
            print("searches are still to be run", flush=True)
            return
        with served(surface.plan(folder), folder) as trials:
            evaluate = Recorder(trials, rows, surface.realtime).evaluate
            log.add(search(plan, evaluate, method, (cap, surface.caps[cap]), seed))


def simulated_best(plan: Plan, rows: Rows, cap_ms: float) -> list[Setting]:
    """Return what the simulator says is best, from the runs that profile steps alone.

    Where no row is kept that was a profile's there is none.
    """
    assert plan.tune is not None
    limits = plan.tune.limits.model_copy(update={"p95": cap_ms / 1000})
    said = replace(plan.tune, limits=limits)
    learned = [row for row in rows.rows if row.kind == "search"][:3]
    if len(learned) < 3:
        return []
    found = space(plan)
    study = Study(name="", fingerprint="", tune=said, host=HOST, space=found)
    expected = Expectations(plan, study)
    expected.learn([_trial(n, row) for n, row in enumerate(learned)])
    pool: dict[Setting, float] = {}
    rng = random.Random(SEED)
    fresh = [
        Setting.of({d.key: rng.choice(d.values) for d in found.dimensions}) for _ in range(DRAWN)
    ]
    for _ in range(ROUNDS):
        guesses = zip(fresh, expected.guess(fresh, False), strict=True)
        pool |= {s: utility(g.score, g.ratios, "throughput") for s, g in guesses if g}
        best = sorted(pool, key=lambda s: -pool[s])[:PARENTS]
        near = [_neighbour(found, s, rng) for s in best for _ in range(CHILDREN)]
        fresh = [s for s in dict.fromkeys(near) if s not in pool]
    best = sorted(pool, key=lambda s: -pool[s])[: 2 * TOP]
    fine = zip(best, expected.guess(best, True), strict=True)
    ranked = {s: utility(g.score, g.ratios, "throughput") for s, g in fine if g}
    return sorted(ranked, key=lambda s: -ranked[s])[:TOP]


def _trial(number: int, row: Row) -> Trial:
    return Trial(
        number=number,
        kind="profile",
        setting=row.setting,
        load=f"{row.users} users",
        at_s=0.0,
        took_s=row.seconds,
        measurement=row.measurement,
    )


def _neighbour(found: Space, setting: Setting, rng: random.Random) -> Setting:
    chosen = rng.choice(found.dimensions)
    place = chosen.values.index(setting.by_key[chosen.key]) + rng.choice([-1, 1])
    return setting.changed({chosen.key: chosen.values[min(max(place, 0), len(chosen.values) - 1)]})
