"""What searches claimed, measured again in turns, and how near the best it is."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks._tune_live import simulated_best
from benchmarks._tune_rows import COMPARED, Row, Rows, fresh, measure_all
from benchmarks._tune_searches import CAPS, METHODS, SLACK, Found, Log, Seen, caps, medians
from benchmarks._tune_surfaces import Surface
from tritongen.records.plan import Plan
from tritongen.records.study import Setting

RIVALS = 4
"""So many of the grid's best within each limit are measured again: one of them is the best."""
ALMOST = 1.03
"""So far above a limit a rival may have been: measured again, it may hold it."""


def limits(surface: Surface, plan: Plan, rows: Rows) -> Mapping[str, float]:
    """Return the limits, ms, by name."""
    return surface.caps or caps(medians(plan, rows.of("grid")))


def claimed(surface: Surface, plan: Plan, rows: Rows, found: Sequence[Found]) -> list[Setting]:
    """Return what has to be measured again: what searches won with, and what else may be best.

    That is the grid's best, or where there is none the simulator's.
    """
    settings = [each.winner for each in found if each.winner is not None]
    if surface.caps:
        settings += simulated_best(plan, rows, surface.caps["medium"])
    else:
        seen = medians(plan, rows.of("grid"))
        settings += [setting for ms in caps(seen).values() for setting in rivals(seen, ms)]
    return list(dict.fromkeys(settings))


def rivals(seen: Mapping[Setting, Seen], cap_ms: float) -> list[Setting]:
    """Return the best within a limit, as far as that is known."""
    ranked = sorted(seen, key=lambda setting: -seen[setting].worth(cap_ms, ALMOST))
    return ranked[:RIVALS]


def compare(surface: Surface, plan: Plan, rows: Rows, log: Log, folder: Path, end: float) -> None:
    """Measure what was claimed and was not yet; the best of all stands beside it in each turn."""
    done = medians(plan, rows.of("fresh"))
    counts = {setting: len(seen) for (setting, _), seen in rows.of("fresh").items()}
    every = claimed(surface, plan, rows, log.found)
    new = [each for each in every if counts.get(each, 0) < COMPARED]
    if not new:
        return
    bounds = limits(surface, plan, rows).values()
    beside = [_best(done, ms) for ms in bounds if done]
    wanted = fresh(plan, new, [each for each in dict.fromkeys(beside) if each not in new], counts)
    measure_all(surface, wanted, rows, folder, end)


def _best(seen: Mapping[Setting, Seen], cap_ms: float) -> Setting:
    return max(seen, key=lambda setting: seen[setting].worth(cap_ms))


def shares(
    plan: Plan, rows: Rows, bounds: Mapping[str, float], found: Sequence[Found]
) -> dict[tuple[str, str], list[float]]:
    """Return by search and limit what each run reached of the best; 0: not within the limit.

    That is the median over all turns of what it did in one, over what the best did in the same: so
    what drifts hits both. The best in a turn is the one that was in all the others: the largest of
    many that differ by chance would be too large, were it held against itself.
    """
    again = medians(plan, rows.of("fresh"))
    every = [_in_turns(plan, rows, ms) for ms in bounds.values()]
    reached: dict[tuple[str, str], list[float]] = {}
    for each in found:
        ms = bounds[each.cap]
        share = 0.0
        if each.winner in again and again[each.winner].worth(ms, SLACK):
            turns = every[list(bounds).index(each.cap)]
            did_so = [did[each.winner] / best for did, best in turns if each.winner in did]
            share = statistics.median(did_so) if did_so else 0.0
        reached.setdefault((each.method, each.cap), []).append(share)
    return reached


def _in_turns(plan: Plan, rows: Rows, cap_ms: float) -> list[tuple[dict[Setting, float], float]]:
    """Return of each turn what every setting did, and what the best within a limit did."""
    turns: list[dict[Setting, Row]] = []
    for row in rows.rows:
        if row.kind == "fresh":
            if not turns or row.setting in turns[-1]:
                turns.append({})
            turns[-1][row.setting] = row
    found = []
    for turn in turns:
        others: dict[tuple[Setting, int], list[Row]] = {}
        for row in (row for other in turns if other is not turn for row in other.values()):
            if row.setting in turn:
                others.setdefault(row.asked, []).append(row)
        if others:  # there are none of the first turn alone
            did = {setting: row.measurement.throughput_rps for setting, row in turn.items()}
            found.append((did, did[_best(medians(plan, others), cap_ms)]))
    return found


def show(surface: Surface, plan: Plan, rows: Rows, found: Sequence[Found]) -> None:
    """Print the table of a surface."""
    seen, again = medians(plan, rows.of("grid")), medians(plan, rows.of("fresh"))
    bounds = limits(surface, plan, rows)
    late = statistics.median(row.late_ms for row in rows.rows)
    print(f"\n{surface.name}: {len(rows.rows)} measurements (late by {late:.1f} ms)")
    if not again:
        print("nothing is compared yet")
        return
    for cap, ms in bounds.items():
        best = _best(again, ms)
        value = again[best].worth(ms)
        good = sum(each.worth(ms) > 0 for each in seen.values())
        near = sum(each.worth(ms) >= 0.97 * value for each in seen.values())
        held = f"{good} of {len(seen)} settings hold it, {near} within 3%; " if seen else ""
        print(f"  {cap} ({ms:g} ms): {held}best {value:.1f}/s: {best}")
    _print(shares(plan, rows, bounds, found), found)
    if surface.caps:
        ms = surface.caps["medium"]
        top = [again[s].worth(ms, SLACK) for s in simulated_best(plan, rows, ms) if s in again]
        print("the simulator's best, measured: " + " ".join(f"{each:.1f}" for each in top))


def _print(reached: Mapping[tuple[str, str], Sequence[float]], found: Sequence[Found]) -> None:
    print(f"{'% of the best: median / worst':30}" + "".join(f"{cap:>16}" for cap in CAPS))
    for method in METHODS:
        cells = []
        for cap in CAPS:
            values = reached.get((method, cap), [])
            text = (
                f"{100 * statistics.median(values):.1f} / {100 * min(values):.1f}" if values else ""
            )
            cells.append(f"{text:>16}")
        used = [each.trials for each in found if each.method == method]
        mean = f"{statistics.fmean(used):.1f} measurements of {len(used)}" if used else ""
        print(f"{method:30}" + "".join(cells) + "  " + mean)
