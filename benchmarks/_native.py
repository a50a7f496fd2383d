"""The simulator in C, for a benchmark that simulates for hours: equal to Python's to the last bit.

It knows what the simulated ensembles need: closed loops of requests of one row through one chain of
stations on cores. Everything else, and all where there is no C compiler, is simulated in Python.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tritongen.records.loadtest import Arrivals
from tritongen.records.system import Outcome, Station, System
from tritongen.simulate import run, simulate, simulation
from tritongen.simulate.batcher import _extended

SOURCE = Path(__file__).with_name("_native.c")
INT, LONG, DOUBLE, POINTER = ctypes.c_int32, ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


class _Station(ctypes.Structure):
    _fields_ = (
        *((name, INT) for name in ("instances", "most", "batching", "wakes", "early", "threads")),
        *((name, INT) for name in ("steps", "noises")),
        *((name, DOUBLE) for name in ("delay", "share", "release_ms")),
        *((name, POINTER) for name in ("ms", "noise", "sizes", "preferred", "batches")),
        ("requests", LONG),
        *((name, DOUBLE) for name in ("waited", "served", "busy")),
    )


class _System(ctypes.Structure):
    _fields_ = (
        *((name, INT) for name in ("stations", "users", "visits", "limited")),
        ("visited", POINTER),
        *((name, DOUBLE) for name in ("cores", "send_ms", "client_ms", "receive_ms")),
        *((name, DOUBLE) for name in ("answer_ms", "cpu_ms")),
        ("wakes", POINTER),
        ("woken", INT),
        ("latencies", ctypes.POINTER(DOUBLE)),
        *((name, LONG) for name in ("counted", "room", "offered", "answered", "events")),
        *((name, LONG) for name in ("offered_before", "answered_before")),
    )


@cache
def _compiled() -> Any:
    # Nothing that would round otherwise than Python does.
    options = ("-O2", "-ffp-contract=off", "-fPIC", "-shared")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "native.so"
        subprocess.run(["cc", *options, "-o", library, SOURCE], check=True)
        loaded = ctypes.CDLL(str(library))
    loaded.simulate.argtypes = (POINTER, POINTER, POINTER, DOUBLE, DOUBLE)
    loaded.simulate.restype = None
    loaded.forget.argtypes = (POINTER,)
    loaded.forget.restype = None
    return loaded


def native(
    system: System,
    arrivals: Arrivals,
    *,
    seconds: float = 20.0,
    warmup_s: float = 2.0,
    seed: int = 0,
    starts: int = 1,
    trace_s: Sequence[float] = (),
) -> Outcome:
    """Do what `simulate` does."""
    if not (arrivals.closed and _is_known(system) and shutil.which("cc")):
        return simulate(system, arrivals, seconds=seconds, warmup_s=warmup_s, seed=seed,
                        starts=starts, trace_s=trace_s)  # fmt: skip
    runs = []
    for start in range(starts):
        rng = np.random.default_rng((seed, start) if start else seed)
        ramp = simulation.RAMPS_MS[start % len(simulation.RAMPS_MS)]
        begins = np.array(sorted((rng.random(arrivals.closed.users) * ramp).tolist()))
        runs.append(_ran(system, (seed, start), begins, warmup_s, seconds))
    return simulation._outcome(runs, seconds, closed=True)


def _is_known(system: System) -> bool:
    (route, *others) = system.routes
    chain = all(visit.after == ((n - 1,) if n else ()) for n, visit in enumerate(route.visits))
    on_cores = not any(station.gpus for station in system.stations)
    return not others and chain and route.rows == (1, 1) and on_cores


def _ran(
    system: System, seed: tuple[int, int], begins: Any, warmup_s: float, seconds: float
) -> tuple[Any, int, int]:
    rng = np.random.default_rng(seed)
    wakes = rng.exponential(run.WAKE_MS, run.NOISES)
    noises = [np.array(run._noise(station.spread, rng)) for station in system.stations]
    stations = [_Made(*each) for each in zip(system.stations, noises, strict=True)]
    array = (_Station * len(stations))(*(each.struct for each in stations))
    visited = np.array([visit.station for visit in system.routes[0].visits], np.int32)
    over = system.overheads
    this = _System(
        stations=len(stations), users=len(begins), visits=len(visited),
        limited=system.cores is not None, visited=visited.ctypes.data, cores=system.cores or 0.0,
        send_ms=over.send_ms, client_ms=over.client_ms, receive_ms=over.receive_ms,
        answer_ms=over.answer_ms, cpu_ms=over.cpu_ms, wakes=wakes.ctypes.data, woken=len(wakes),
    )  # fmt: skip
    _compiled().simulate(
        ctypes.byref(this), array, begins.ctypes.data, 1000 * warmup_s, 1000 * (warmup_s + seconds)
    )
    latencies = np.ctypeslib.as_array(this.latencies, (this.counted,)).copy()
    _compiled().forget(ctypes.byref(this))
    batchers = [each.seen(struct) for each, struct in zip(stations, array, strict=True)]
    done = SimpleNamespace(
        latencies=latencies.tolist(),
        agenda=SimpleNamespace(events=this.events),
        seen=lambda window_ms: tuple(run._seen(batcher, window_ms) for batcher in batchers),
    )
    return done, this.offered - this.offered_before, this.answered - this.answered_before


class _Made:
    """A station as C sees it, and the arrays that it points to."""

    def __init__(self, station: Station, noise: Any) -> None:
        self.station = station
        most = max(station.max_batch_size, 1)
        sizes = sorted(set(station.preferred or (most,)))
        self.ms, self.noise = np.array(_extended(station.ms, most)), noise
        self.sizes = np.array(sizes, np.int32)
        self.preferred = np.isin(np.arange(max(most, sizes[-1]) + 1), sizes).astype(np.uint8)
        self.batches = np.zeros(most + 1, np.int64)
        self.struct = _Station(
            instances=station.instances, most=most, batching=station.batching, wakes=station.wakes,
            early=station.early, threads=station.threads, steps=len(sizes), noises=len(noise),
            delay=station.delay_us / 1000 if station.batching else 0.0, share=station.cpu,
            release_ms=station.release_ms, ms=self.ms.ctypes.data, noise=noise.ctypes.data,
            sizes=self.sizes.ctypes.data, preferred=self.preferred.ctypes.data,
            batches=self.batches.ctypes.data,
        )  # fmt: skip

    def seen(self, struct: _Station) -> Any:
        batches = {rows: int(n) for rows, n in enumerate(self.batches) if n}
        return SimpleNamespace(
            station=self.station, requests=struct.requests, batches=batches,
            waited=struct.waited, served=struct.served, busy=struct.busy,
        )  # fmt: skip
