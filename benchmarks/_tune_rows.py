"""Measurements of settings, kept line by line, and how they are made on the real server."""

import json
import os
import random
import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from benchmarks._measured import lateness
from benchmarks._tune_surfaces import Surface
from tritongen.cli.trials import Own, Trials
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Host, Setting, Space
from tritongen.stages.tune import load
from tritongen.stages.tune.profiling import runs
from tritongen.stages.tune.space import space_of

ROUNDS = 3
COMPARED, LONGER = 5, 2.0
"""What is compared is measured so often, and so many times longer than a trial."""
SEED = 20261122
HOST = Host(cores=2.0)
Kind = Literal["grid", "profile", "search", "fresh"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A setting that was measured, for the ``round``-th time.

    ``grid`` rows are what searches draw from, with the ``profile`` runs that ours asks for, under
    so many ``users``; ``search`` ones were measured for a search; ``fresh`` ones were made
    afterwards, in turns, to compare what was claimed.
    ``late_ms``: how late a thread woke meanwhile, all but one time in fifty.
    """

    kind: Kind
    setting: Setting
    users: int
    round: int
    seconds: float
    late_ms: float
    measurement: Measurement

    @property
    def asked(self) -> tuple[Setting, int]:
        """What was measured: the setting, and the users."""
        return self.setting, self.users


class Rows:
    """A file of rows; each is added the moment it was measured."""

    def __init__(self, path: Path) -> None:
        self.path = path
        read = TypeAdapter(Row).validate_python
        lines = path.read_text().splitlines() if path.is_file() else []
        self.rows = [read(json.loads(line)) for line in lines]

    def add(self, row: Row) -> None:
        """Keep a row, without what only a report needs."""
        row = replace(row, measurement=_lean(row.measurement))
        self.rows.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(_rounded(asdict(row)), separators=(",", ":")) + "\n")

    def of(self, *kinds: Kind) -> dict[tuple[Setting, int], list[Row]]:
        """Return what was measured of each setting."""
        found: dict[tuple[Setting, int], list[Row]] = {}
        for row in self.rows:
            if row.kind in kinds:
                found.setdefault(row.asked, []).append(row)
        return found


def _lean(seen: Measurement) -> Measurement:
    server = seen.server
    if server:
        server = replace(server, models=tuple(each for each in server.models if each.requests))
    return replace(
        seen,
        total=replace(seen.total, seconds=()),
        server=server,
        requests={},
        verdicts=(),
        environment={},
        client={key: seen.client.get(key, []) for key in ("workers", "distrust")},
    )


def _rounded(value: Any) -> Any:
    """Return it with five digits, which is more than is known."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


# ---- what is measured ----


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One measurement to make."""

    kind: Kind
    setting: Setting
    test: PlannedLoadTest
    round: int

    @property
    def users(self) -> int:
        """How many users send."""
        closed = self.test.arrivals.closed
        assert closed is not None
        return closed.users


def space(plan: Plan) -> Space:
    """Return what may move: the specs say all values."""
    assert plan.tune is not None
    return space_of(plan, plan.tune, HOST, None)


def grid(plan: Plan) -> list[Wanted]:
    """Return every setting, and what ours profiles, so many times, each time in another order."""
    found = space(plan)
    settings = [
        Setting.of({d.key: value for d, value in zip(found.dimensions, values, strict=True)})
        for values in product(*(each.values for each in found.dimensions))
    ]
    wanted = []
    for turn in range(ROUNDS):
        every = [_wanted("grid", s, plan, turn) for s in settings]
        every += [Wanted(kind="profile", setting=s, test=t, round=turn) for s, t in _profiled(plan)]
        random.Random(SEED + turn).shuffle(every)  # what drifts meanwhile hits all alike
        wanted += every
    return wanted


def _wanted(kind: Kind, setting: Setting, plan: Plan, turn: int) -> Wanted:
    assert plan.tune is not None
    seconds = plan.tune.window_s * (LONGER if kind == "fresh" else 1.0)
    test = load.trial_test(plan.loadtests["bench"], setting, seconds)[0]
    return Wanted(kind=kind, setting=setting, test=test, round=turn)


def fresh(
    plan: Plan, new: Sequence[Setting], beside: Sequence[Setting], counts: Mapping[Setting, int]
) -> list[Wanted]:
    """Return settings to be compared, in turns, each in another order.

    ``counts``: how often they were; ``beside`` are measured in every turn however often they were.
    """
    wanted = []
    for turn in range(COMPARED):
        every = [s for s in new if counts.get(s, 0) <= turn]
        numbers = dict.fromkeys(every, turn) | {s: counts[s] + turn for s in beside}
        random.Random(SEED + len(counts) + turn).shuffle(order := list(numbers))
        wanted += [_wanted("fresh", setting, plan, numbers[setting]) for setting in order]
    return wanted


def _profiled(plan: Plan) -> list[tuple[Setting, PlannedLoadTest]]:
    """Return the runs that profile steps, as the stage itself makes them."""
    return list(runs(space(plan), plan.loadtests["bench"]))


def left(wanted: Iterable[Wanted], rows: Rows) -> list[Wanted]:
    """Return what was not measured yet."""
    done = {(row.kind, row.asked, row.round) for row in rows.rows}
    return [w for w in wanted if (w.kind, (w.setting, w.users), w.round) not in done]


# ---- measuring ----


@contextmanager
def served(plan: Plan, folder: Path) -> Iterator[Trials]:
    """Serve a plan as a search does."""
    own = Own(folder / "server", "grpc")
    try:
        yield Trials(
            plan=plan,
            server=own,
            folder=folder / "load",
            processes=1,
            cores=int(HOST.cores or 1),
            show=lambda _: None,
            ending=threading.Event(),
        )
    finally:
        own.close()


def measure_all(
    surface: Surface, wanted: Sequence[Wanted], rows: Rows, folder: Path, end: float
) -> None:
    """Measure until all is done or the time is up, of ``time.monotonic``."""
    if not wanted:
        return
    with in_front(surface.realtime), served(surface.plan(folder), folder) as trials:
        for number, each in enumerate(wanted):
            if time.monotonic() > end:
                print(f"{surface.name}: {len(wanted) - number} still to be measured", flush=True)
                return
            with lateness() as late:
                measurement = trials.evaluate(each.setting, each.test, each.test.duration_s)
            late_ms = statistics.quantiles(late, n=50)[-1]
            rows.add(
                Row(
                    kind=each.kind,
                    setting=each.setting,
                    users=each.users,
                    round=each.round,
                    seconds=each.test.duration_s,
                    late_ms=late_ms,
                    measurement=measurement,
                )
            )


@contextmanager
def in_front(of_others: bool) -> Iterator[None]:
    """Go before other processes: what sleeps is then measured true beside them."""
    if not of_others:
        yield
        return
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except PermissionError:
        print("without the right to go before other processes: let the machine do nothing else")
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
