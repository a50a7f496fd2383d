"""The simulator against the real server: settings measured, and predicted from a few of them.

Per ensemble three measurements are learned from (1, 6 and many users, as the spec has it); all
others are predicted. The load program is the one of `tritongen load`: what it measures is what a
tuner has to predict, its share of the two cores included. A Poisson rate is simulated as it was
achieved.

``SIMULATOR_MINUTES=4`` measures for so long and goes on with the results that are there;
``SIMULATOR_RESULTS`` is the file, else ``benchmarks/measured/simulator.json``.
"""

import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks._measured import Results, measure_all, plans
from benchmarks._predicted import SLOW, Row, predict, profiles
from benchmarks._scatter import scatter
from benchmarks._settings import settings

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "measured" / "simulator.json"
PLOT = HERE.parent / "docs" / "simulator.svg"


def main() -> None:
    """Measure what is not measured yet, predict all, print how far apart they are, and draw."""
    minutes = os.environ.get("SIMULATOR_MINUTES")
    path = Path(os.environ.get("SIMULATOR_RESULTS", RESULTS))
    if minutes is None:
        path.unlink(missing_ok=True)
    results, wanted = Results(path), settings()
    with tempfile.TemporaryDirectory() as name:
        measure_all(wanted, results, Path(name), minutes=float(minutes) if minutes else None)
        rows = predicted(results, Path(name))
    if not rows:
        print("simulator: nothing is measured yet")
        return
    show(rows)
    print(summary(rows))
    PLOT.write_text(scatter(rows), "utf-8")


def predicted(results: Results, folder: Path) -> list[Row]:
    """Return the predictions of all settings that were measured but not learned from."""
    planned = plans(folder / "again")
    measured = list(results.rows.values())
    known = profiles(planned, measured)
    return [
        predict(planned[each.setting.ensemble], known[each.setting.ensemble], each)
        for each in measured
        if not each.setting.profile and each.setting.ensemble in known
    ]


def show(rows: Sequence[Row]) -> None:
    """Print a line for each setting, the worst first."""
    print(f"{'measured: requests/s, p50, p99 ms':36}{'error of each':24}setting")
    for row in sorted(rows, key=lambda each: -abs(each.errors()["throughput"])):
        seen, errors = row.result.measurement, row.errors()
        found = f"{seen.throughput_rps:8.1f} {seen.p50_ms:8.1f} {seen.p99_ms:8.1f}"
        said = " ".join(f"{errors[key]:+7.1%}" for key in ("throughput", "p50", "p99"))
        flags = " BISTABLE" * row.outcome.bistable + " SATURATED" * row.outcome.saturated
        print(f"{found:30}{said:30}{row.busiest:6.0%} {row.result.setting.name}{flags}")


def summary(rows: Sequence[Row]) -> str:
    """Return the line: medians, and how many are within the bounds."""
    steady = [row for row in rows if row.busiest < SLOW]
    medians = {
        key: statistics.median(abs(row.errors()[key]) for row in rows)
        for key in ("throughput", "p50")
    }
    near = sum(abs(row.errors()["throughput"]) <= 0.1 for row in rows) / len(rows)
    tails = sum(abs(row.errors()["p99"]) <= 0.25 for row in steady) / max(len(steady), 1)
    met = max(medians.values()) <= 0.05 and near >= 0.9 and tails >= 0.9
    return (
        f"simulator: {len(rows)} settings; median error of throughput {medians['throughput']:.1%},"
        f" of p50 {medians['p50']:.1%}; throughput within 10% in {near:.0%}; p99 within 25% in"
        f" {tails:.0%} of {len(steady)} below {SLOW:.0%} of saturation"
        f" ({'' if met else 'NOT '}<= 5%, <= 5%, >= 90%, >= 90%)"
    )
