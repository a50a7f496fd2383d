"""Regret of each search on simulated ensembles, whose true best is known.

``TUNE_ENSEMBLES`` (3) random ensembles of 1 to 4 steps, each at a loose, a medium and a tight p99
limit; all searches get the same budget (``TUNE_BUDGETS``, 10,25), profiles and finals counted. The
truth is found by simulating the true system at many settings, and whatever a search wins with.
The full run is ``TUNE_ENSEMBLES=200 TUNE_BUDGETS=10,25,50``, some hours.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from tritongen.errors import TuneError
from tritongen.records.facts import Facts
from tritongen.records.plan import Plan
from tritongen.records.study import Host, Setting, Space, Study
from tritongen.records.tune import Limits, Method
from tritongen.stages.load import load
from tritongen.stages.resolve import resolve
from tritongen.stages.tune import tune
from tritongen.testing.simulated import SimulatedServer, Step

METHODS: tuple[Method, ...] = ("guided", "tpe", "random", "hill_climb", "grid")
CAPS = (("loose", 3.0), ("medium", 1.3), ("tight", 1.05))
"""A p99 limit, in times of the least p99 among good settings."""
SEED = 20261122
SECONDS = 6.0
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


def searched(plan: Plan, server: SimulatedServer, said: Any, folder: Path) -> Study | None:
    """Return the study of one search."""
    path = folder / f"{said.method}-{said.trials}-{said.limits.p99}-{server.seed}.jsonl"
    again = replace(server, asked=0)
    try:
        return tune(plan, again.evaluate, said, host=Host(cores=server.cores), journal=path)
    except TuneError as error:
        failed: Study | None = error.study
        return failed


def regrets(number: int, budgets: list[int]) -> Iterator[tuple[Method, int, str, float]]:
    """Yield how far each search stays below the best (1 is nothing feasible)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan, server = made(number, folder)
        assert plan.tune is not None
        truth = Truth(plan, server)
        first = searched(plan, server, replace(plan.tune, method="random", trials=3), folder)
        assert first is not None
        assert first.space is not None
        truth.explore(first.space, None, number)
        good = sorted(truth.known.values(), key=lambda seen: -seen[0])[: len(truth.known) // 2]
        least = min(p99_ms for _, p99_ms in good)
        for cap, times in CAPS:
            cap_ms = least * times
            truth.explore(first.space, cap_ms, number)
            limits = Limits(p99=cap_ms / 1000)
            won = {}
            for budget in budgets:
                for method in METHODS:
                    said = replace(plan.tune, method=method, trials=budget, limits=limits)
                    study = searched(plan, server, said, folder)
                    won[method, budget] = _winner(study)
            for setting in won.values():
                truth.of(setting) if setting else None
            best = max(truth.value(setting, cap_ms) for setting in list(truth.known))
            for (method, budget), setting in won.items():
                # A p99 that is 5% over is the noise of a measurement, not a mistake.
                value = truth.value(setting, cap_ms, 1.05) if setting else 0.0
                yield method, budget, cap, max(1 - value / best, 0.0)


def _winner(study: Study | None) -> Setting | None:
    found = study.conclusion if study else None
    return found.winner if found and found.verdict != "infeasible" else None


def main() -> None:
    """Print mean and worst regret of each search."""
    count = int(os.environ.get("TUNE_ENSEMBLES", "3"))
    budgets = [int(each) for each in os.environ.get("TUNE_BUDGETS", "10,25").split(",")]
    rows: list[tuple[Method, int, str, float]] = []
    for number in range(count):
        rows += regrets(number, budgets)
        print(f"\nafter {number + 1} of {count} ensembles (seed {SEED}):")
        _show(rows, budgets)
    print("mean / worst: how far below the best setting within the limit; 100% is none within it")


def _show(rows: Sequence[tuple[Method, int, str, float]], budgets: Sequence[int]) -> None:
    print(f"{'search':12}{'budget':>7}" + "".join(f"{cap:>18}" for cap, _ in CAPS))
    for budget in budgets:
        for method in METHODS:
            cells = []
            for cap, _ in CAPS:
                seen = [r for m, b, c, r in rows if (m, b, c) == (method, budget, cap)]
                cells.append(f"{100 * fmean(seen):5.1f}% /{100 * max(seen):6.1f}%")
            line = f"{method:12}{budget:>7}" + "".join(f"{cell:>18}" for cell in cells)
            print(line, flush=True)
