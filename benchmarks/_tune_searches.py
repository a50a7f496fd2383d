"""Searches on what was measured, and what each of them wins with."""

import json
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter

from benchmarks._tune_rows import HOST, SEED, Row, Rows, space
from tritongen.errors import TuneError
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Conclusion, Setting
from tritongen.records.tune import Method
from tritongen.stages.tune import Evaluate, apply_setting, tune
from tritongen.stages.tune.scoring import resources

METHODS: tuple[Method, ...] = ("guided", "tpe", "random", "hill_climb", "grid")
TRIALS = 25
SEEDS = 5
CAPS = {"loose": 2.0, "medium": 1.3, "tight": 1.1}
"""A limit of the 95th percentile, in times of the least among the better half of all settings.

Of windows of two seconds the 99th is that of a request or two.
"""
SLACK = 1.05
"""A claimed best may exceed the limit by so much when it is measured again: that is noise."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The medians of what was measured of a setting: a machine that is disturbed moves means."""

    rps: float
    p95_ms: float
    allowed: bool

    def worth(self, cap_ms: float, slack: float = 1.0) -> float:
        """Return the throughput, nothing where a limit does not hold."""
        return self.rps if self.allowed and self.p95_ms <= cap_ms * slack else 0.0


def medians(plan: Plan, rows: Mapping[tuple[Setting, int], Sequence[Row]]) -> dict[Setting, Seen]:
    """Return them by setting, of what was measured under the load of the test."""
    closed = plan.loadtests["bench"].arrivals.closed
    assert closed is not None
    return {
        setting: _median(plan, setting, seen)
        for (setting, users), seen in rows.items()
        if users == closed.users
    }


def _median(plan: Plan, setting: Setting, rows: Sequence[Row]) -> Seen:
    assert plan.tune is not None
    most = plan.tune.limits.instances
    taken = resources(apply_setting(plan, setting), HOST)["instances"]
    return Seen(
        rps=median(row.measurement.throughput_rps for row in rows),
        p95_ms=median(_p95(row.measurement) for row in rows),
        allowed=most is None or taken <= most,
    )


def _p95(measurement: Measurement) -> float:
    return measurement.total.latency.p95_ms or 0.0 if measurement.total.latency else 0.0


def caps(seen: Mapping[Setting, Seen]) -> dict[str, float]:
    """Return the limits, ms, by name."""
    allowed = sorted((each for each in seen.values() if each.allowed), key=lambda s: -s.rps)
    least = min(each.p95_ms for each in allowed[: len(allowed) // 2])
    return {name: float(f"{times * least:.3g}") for name, times in CAPS.items()}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search won with; ``winner`` is none where it found nothing within the limits."""

    method: Method
    cap: str
    seed: int
    cap_ms: float
    winner: Setting | None
    verdict: str
    trials: int
    cpu_s: float

    @property
    def run(self) -> tuple[Method, str, int]:
        """Which run of which search it is."""
        return self.method, self.cap, self.seed


class Log:
    """A file of what was found, line by line; ``again``: searches that are forgotten."""

    def __init__(self, path: Path, again: Sequence[str] = ()) -> None:
        self.path = path
        read = TypeAdapter(Found).validate_python
        lines = path.read_text().splitlines() if path.is_file() else []
        every = [read(json.loads(line)) for line in lines]
        self.found = [each for each in every if each.method not in again]
        if len(self.found) < len(every):
            path.write_text("".join(map(_line, self.found)))

    def add(self, found: Found) -> None:
        """Keep it."""
        self.found.append(found)
        with self.path.open("a") as file:
            file.write(_line(found))


def _line(found: Found) -> str:
    return json.dumps(asdict(found), separators=(",", ":")) + "\n"


@dataclass
class Table:
    """Measures by looking up what was measured: of each setting one time after the other.

    Which of them comes first is drawn for each run of a search. Without ``counters`` the server's
    are left out, for searches that do not look at them: so no profile is made of them in the end.
    """

    rows: Mapping[tuple[Setting, int], Sequence[Row]]
    start: Setting
    seed: int
    counters: bool
    asked: dict[tuple[Setting, int], int] = field(default_factory=dict)

    def evaluate(self, setting: Setting, test: PlannedLoadTest, _: float) -> Measurement:
        """Return a measurement of a setting."""
        closed = test.arrivals.closed
        assert closed is not None
        key = setting if setting.values else self.start, closed.users
        known = sorted(self.rows[key], key=lambda row: row.round)
        random.Random(f"{SEED} {self.seed} {key}").shuffle(known)
        turn = self.asked[key] = self.asked.get(key, -1) + 1
        found = known[turn % len(known)].measurement
        return found if self.counters else replace(found, server=None)


def search(
    plan: Plan, evaluate: Evaluate, method: Method, cap: tuple[str, float], seed: int
) -> Found:
    """Run a search within a limit; return what it found."""
    assert plan.tune is not None
    limits = plan.tune.limits.model_copy(update={"p95": cap[1] / 1000, "p99": None})
    said = replace(plan.tune, method=method, limits=limits, seed=seed, trials=TRIALS)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = Path(folder) / "study.jsonl"
            study = tune(plan, evaluate, said, host=HOST, journal=path)
        except TuneError as error:
            study = error.study
    found: Conclusion | None = study.conclusion
    assert found is not None
    return Found(
        method=method,
        cap=cap[0],
        seed=seed,
        cap_ms=cap[1],
        winner=None if found.verdict == "infeasible" else found.winner,
        verdict=found.verdict,
        trials=len(study.trials),
        cpu_s=round(time.process_time() - began, 1),
    )


def runs(
    found: Sequence[Found], limits: Iterable[str] = CAPS, seeds: int = SEEDS
) -> Iterator[tuple[int, str, Method]]:
    """Yield the runs that were not made yet; all searches have as many seeds as there are."""
    done = {each.run for each in found}
    for seed in range(seeds):
        for cap in limits:
            for method in METHODS:
                if (method, cap, seed) not in done:
                    yield seed, cap, method


def search_all(plan: Plan, rows: Rows, log: Log, end: float) -> None:
    """Run all searches that were not run yet, until the time is up."""
    table = rows.of("grid", "profile")
    limits = caps(medians(plan, rows.of("grid")))
    for seed, cap, method in runs(log.found):
        if time.monotonic() > end:
            print("searches are still to be run", flush=True)
            return
        evaluate = Table(table, space(plan).start, seed, method == "guided").evaluate
        log.add(search(plan, evaluate, method, (cap, limits[cap]), seed))
