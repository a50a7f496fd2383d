"""Regret of each search on simulated ensembles, whose true best is known.

Random ensembles of 1 to 4 steps, each at a loose, a medium and a tight p99 limit; all searches get
the same budgets, profiles and finals counted, and see the same measurements: the n-th of a setting
is the same for whoever asks for it. The truth is found by simulating the true system at many
settings, and whatever a search wins with.

It goes on with what is in ``benchmarks/measured/tune_simulated.jsonl`` for ``TUNE_MINUTES`` (5),
until there are ``TUNE_ENSEMBLES`` (200): twenty seconds each, minutes where there is no C compiler.
``TUNE_JOBS`` processes share them.
"""

import json
import os
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks._native import native
from tritongen.errors import TuneError
from tritongen.records.facts import Facts
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Host, Setting, Space, Study
from tritongen.records.tune import Limits, Method
from tritongen.simulate import profiles, simulate
from tritongen.stages.load import load
from tritongen.stages.resolve import resolve
from tritongen.stages.tune import expect, tune
from tritongen.stages.tune.space import space_of
from tritongen.testing import simulated
from tritongen.testing.simulated import SimulatedServer, Step

METHODS: tuple[Method, ...] = ("guided", "tpe", "random", "hill_climb", "grid")
CAPS = (("loose", 3.0), ("medium", 1.3), ("tight", 1.05))
"""A p99 limit, in times of the least p99 among good settings."""
BUDGETS = (10, 25, 50)
ROOMY, RESERVED = 20, 6
"""Budgets from so many on keep as many trials for the end: those that a search may use differ in
nothing else."""
SEED = 20261122
SECONDS = 4.0
RESULTS = Path(__file__).resolve().parent / "measured"
DRAWN, ROUNDS, PARENTS = 100, 6, 8
VALUES = {
    "max_batch_size": (1, 2, 4, 8, 16, 32),
    "instance_group.count": (1, 2, 3, 4),
    "dynamic_batching.max_queue_delay_microseconds": (0, 500, 1000, 2000, 5000),
}


def made(seed: int, folder: Path) -> tuple[Plan, SimulatedServer]:
    """Return a random chain of steps, and the server that serves it."""
    rng = np.random.default_rng((SEED, seed))
    names = [f"s{n}" for n in range(int(rng.integers(1, 5)))]
    steps = {
        name: Step(
            fixed_ms=float(rng.uniform(0.5, 8)),
            row_ms=float(rng.choice([0.1, 0.3, 1.0, 2.5])),
            power=float(rng.uniform(0.85, 1.1)),
            cpu=float(rng.choice([0.0, 1.0])),
        )
        for name in names
    }
    path = folder / "spec.yaml"
    path.write_text(_spec(names, int(rng.choice([8, 16, 32, 64]))))
    plan = resolve(load([path], {}), Facts())
    cores = float(rng.choice([4, 8]))
    return plan, SimulatedServer(plan=plan, steps=steps, cores=cores, seed=seed)


def _spec(names: list[str], users: int) -> str:
    lines = ["models:"]
    for name in names:
        lines += [
            f"  {name}:",
            "    source: none",
            "    backend: identity",
            "    max_batch_size: 4",
            "    dynamic_batching: {}",
            "    instance_group: {kind: cpu, count: 1}",
            '    input: {X: "FP32[2]"}',
            '    output: {Y: "FP32[2]"}',
        ]
    lines += ["ensembles:", "  pipe:", "    steps:"]
    for n, name in enumerate(names):
        inner = f"T{n}" if n + 1 < len(names) else "Y"
        taken = f"T{n - 1}" if n else "X"
        lines.append(f"      - {{model: {name}, input: {{X: {taken}}}, output: {{Y: {inner}}}}}")
    search = ", ".join(f"{path}: [{', '.join(map(str, v))}]" for path, v in VALUES.items())
    lines += [
        f"loadtests: {{t: {{model: pipe, arrivals: {{closed: {users}}}, duration: 10s}}}}",
        "tune:",
        "  window: 2s",
        "  search:",
        *(f"    {name}: {{{search}}}" for name in names),
    ]
    return "\n".join(lines) + "\n"


class Truth:
    """What settings really do: long simulations of the true system, each done once."""

    def __init__(self, plan: Plan, server: SimulatedServer) -> None:
        self.plan, self.server = plan, server
        self.known: dict[Setting, tuple[float, float]] = {}

    def of(self, setting: Setting) -> tuple[float, float]:
        """Return answers a second and p99 in ms."""
        if setting not in self.known:
            test = self.plan.loadtests["t"]
            seen = self.server.outcome(setting, test, seconds=SECONDS, seed=7)
            self.known[setting] = seen.throughput_rps, seen.p99_ms
        return self.known[setting]

    def value(self, setting: Setting, cap_ms: float, slack: float = 1.0) -> float:
        """Return the throughput of a setting, nothing if it misses the limit."""
        rps, p99_ms = self.of(setting)
        return rps if p99_ms <= cap_ms * slack else 0.0

    def explore(self, space: Space, cap_ms: float | None, seed: int) -> None:
        """Look for the best as long as no tuner could: some drawn, then neighbours of the best."""
        rng = np.random.default_rng((SEED, seed, 1))
        for _ in range(DRAWN if cap_ms is None else 0):
            self.of(
                Setting.of(
                    {d.key: d.values[int(rng.integers(len(d.values)))] for d in space.dimensions}
                )
            )
        for _ in range(ROUNDS):
            rank = sorted(self.known, key=lambda s: -self._rank(s, cap_ms))[:PARENTS]
            for parent in rank:
                for _ in range(2):
                    self.of(_neighbour(space, parent, rng))

    def _rank(self, setting: Setting, cap_ms: float | None) -> float:
        rps, p99_ms = self.of(setting)
        return rps / p99_ms if cap_ms is None else rps / max(p99_ms / cap_ms, 1.0) ** 4


def _neighbour(space: Space, parent: Setting, rng: Any) -> Setting:
    chosen = space.dimensions[int(rng.integers(len(space.dimensions)))]
    place = chosen.values.index(parent.by_key[chosen.key]) + int(rng.choice([-1, 1]))
    return parent.changed({chosen.key: chosen.values[min(max(place, 0), len(chosen.values) - 1)]})


@dataclass
class Shared:
    """Measurements of a server; ``known`` are those that any search made so far.

    Without ``counters`` the server's are left out, for searches that do not look at them.
    """

    server: SimulatedServer
    known: dict[str, Measurement]
    counters: bool = True
    asked: dict[str, int] = field(default_factory=dict)

    def evaluate(self, setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        """Measure a setting, as any search does that asks for it as often."""
        what = f"{setting} under {test.arrivals.closed} for {seconds} s"
        self.asked[what] = self.asked.get(what, 0) + 1
        key = f"{what}, time {self.asked[what]}"
        if key not in self.known:
            server = replace(self.server, asked=zlib.crc32(key.encode()))
            self.known[key] = server.evaluate(setting, test, seconds)
        found = self.known[key]
        return found if self.counters else replace(found, server=None)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a search came to: the setting that it won with, and how many trials it took."""

    winner: Setting | None
    trials: int
    before_finals: int


def searched(plan: Plan, shared: Shared, said: Any, folder: Path) -> Study:
    """Return the study of one search."""
    number = len(list(folder.glob("*.jsonl")))
    evaluate = replace(shared, asked={}, counters=said.method == "guided").evaluate
    host = Host(cores=shared.server.cores)
    try:
        return tune(plan, evaluate, said, host=host, journal=folder / f"{number}.jsonl")
    except TuneError as error:
        failed: Study = error.study
        return failed


def runs(plan: Plan, shared: Shared, cap_ms: float, folder: Path) -> dict[tuple[Method, int], Run]:
    """Run all searches with all budgets.

    One that ended by itself within a smaller budget would have done the same with it; only the grid
    asks how much there is.
    """
    assert plan.tune is not None
    limits = Limits(p99=cap_ms / 1000)
    made: dict[tuple[Method, int], Run] = {}
    for method in METHODS:
        larger: Run | None = None
        for budget in sorted(BUDGETS, reverse=True):
            same = larger is not None and method != "grid" and budget >= ROOMY
            if not (same and larger and larger.trials <= budget and _fits(larger, budget)):
                said = replace(plan.tune, method=method, trials=budget, limits=limits)
                larger = _run(searched(plan, shared, said, folder))
            made[method, budget] = larger
    return made


def _fits(run: Run, budget: int) -> bool:
    return run.before_finals <= budget - RESERVED


def _run(study: Study) -> Run:
    found = study.conclusion
    return Run(
        winner=found.winner if found and found.verdict != "infeasible" else None,
        trials=len(study.trials),
        before_finals=sum(trial.kind != "final" for trial in study.trials),
    )


@contextmanager
def simulated_once() -> Iterator[None]:
    """Simulate no system twice under the same load: limits and budgets begin with the same."""
    once = cache(native)
    with ExitStack() as patched:
        for module in (expect, profiles, simulated):
            patched.enter_context(patch.object(module, "simulate", once))
        yield


@simulated_once()
def ensemble(number: int) -> list[dict[str, Any]]:
    """Return for each limit how far each search stays below the best (1: nothing within it)."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan, server = made(number, folder)
        assert plan.tune is not None
        _check_native(plan, server)
        truth = Truth(plan, server)
        shared = Shared(server, {})
        space = space_of(plan, plan.tune, Host(cores=server.cores), None)
        truth.explore(space, None, number)
        good = sorted(truth.known.values(), key=lambda seen: -seen[0])[: len(truth.known) // 2]
        least = min(p99_ms for _, p99_ms in good)
        caps = {cap: least * times for cap, times in CAPS}
        for cap_ms in caps.values():
            truth.explore(space, cap_ms, number)
        won = {cap: runs(plan, shared, cap_ms, folder) for cap, cap_ms in caps.items()}
        lines = [_judged(truth, cap, cap_ms, won[cap]) for cap, cap_ms in caps.items()]
    cpu_s = round(time.process_time() - began, 1)
    return [{"ensemble": number, "steps": len(server.steps), "cpu_s": cpu_s, **x} for x in lines]


def _check_native(plan: Plan, server: SimulatedServer) -> None:
    """Hold what is simulated in C against what Python says."""
    test, seconds = plan.loadtests["t"], SECONDS
    fast = server.outcome(Setting(), test, seconds=seconds, seed=7)
    with patch.object(simulated, "simulate", simulate):
        assert fast == server.outcome(Setting(), test, seconds=seconds, seed=7)


def _judged(
    truth: Truth, cap: str, cap_ms: float, won: dict[tuple[Method, int], Run]
) -> dict[str, Any]:
    for run in won.values():
        if run.winner:
            truth.of(run.winner)
    best = max(truth.value(setting, cap_ms) for setting in truth.known)
    regret: dict[str, dict[int, float]] = {}
    trials: dict[str, dict[int, int]] = {}
    for (method, budget), run in won.items():
        # A p99 that is 5% over is the noise of a measurement, not a mistake.
        value = truth.value(run.winner, cap_ms, 1.05) if run.winner else 0.0
        regret.setdefault(method, {})[budget] = round(max(1 - value / best, 0.0), 4)
        trials.setdefault(method, {})[budget] = run.trials
    return {
        "cap": cap,
        "cap_ms": round(cap_ms, 3),
        "best_rps": round(best, 2),
        "regret": regret,
        "trials": trials,
    }


def main() -> None:
    """Go on for some minutes, then print mean and worst regret of each search."""
    end = time.monotonic() + 60 * float(os.environ.get("TUNE_MINUTES", "5"))
    path = Path(os.environ.get("TUNE_RESULTS", RESULTS)) / "tune_simulated.jsonl"
    lines = _read(path)
    done = {line["ensemble"] for line in lines}
    left = [n for n in range(int(os.environ.get("TUNE_ENSEMBLES", "200"))) if n not in done]
    jobs = int(os.environ.get("TUNE_JOBS", os.cpu_count() or 1))
    with ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(ensemble, number) for number in left[:jobs]}
        rest = iter(left[jobs:])
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                with path.open("a") as file:
                    file.write("".join(json.dumps(line) + "\n" for line in each.result()))
                number = next(rest, None) if time.monotonic() < end else None
                if number is not None:
                    running.add(pool.submit(ensemble, number))
    show(_read(path))


def _read(path: Path) -> list[dict[str, Any]]:
    text = path.read_text() if path.is_file() else ""
    return [json.loads(line) for line in text.splitlines()]


def show(lines: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    count = len({line["ensemble"] for line in lines})
    print(f"\nmean / worst regret on {count} random ensembles (seed {SEED}); 100%: none within it")
    print(f"{'search':12}{'budget':>7}" + "".join(f"{cap:>18}" for cap, _ in CAPS) + "  trials")
    for budget in BUDGETS:
        for method in METHODS:
            mine = [(x["cap"], x["regret"][method][str(budget)]) for x in lines]
            cells = []
            for cap, _ in CAPS:
                seen = [regret for name, regret in mine if name == cap]
                cells.append(f"{100 * fmean(seen):5.1f}% /{100 * max(seen):6.1f}%")
            used = fmean(x["trials"][method][str(budget)] for x in lines)
            row = "".join(f"{cell:>18}" for cell in cells)
            print(f"{method:12}{budget:>7}{row}{used:8.1f}", flush=True)
