"""One simulated run: users or a clock send requests, stations pass them on, answers are counted."""

from bisect import bisect
from collections.abc import Iterator
from heapq import heappush
from itertools import accumulate
from typing import Any

from tritongen.records.system import Route, StationOutcome, System
from tritongen.simulate.batcher import Batcher, Item
from tritongen.simulate.cores import Agenda, Cores

WAKE_MS = 0.1
"""A thread that waits runs so much later than it was woken, on average: fitted to the real one."""
NOISES = 4096
"""So many of each kind of noise are drawn; they come again after that."""


class Way:
    """A route, made ready: who follows a visit, and how many visits each waits for."""

    def __init__(self, route: Route, batchers: list[Batcher]) -> None:
        self.rows = route.rows
        self.stations = [batchers[visit.station] for visit in route.visits]
        self.needs = [len(visit.after) for visit in route.visits]
        self.first = [place for place, needed in enumerate(self.needs) if not needed]
        self.next: list[list[int]] = [[] for _ in route.visits]
        for place, visit in enumerate(route.visits):
            for before in visit.after:
                self.next[before].append(place)
        # Most ensembles are chains: nothing has to be counted there.
        self.chain = max(self.needs) <= 1 and len(self.first) == 1
        self.chain = self.chain and all(len(places) <= 1 for places in self.next)


class Run:
    """A system under load. Times are in ms from the beginning."""

    def __init__(self, system: System, rng: Any) -> None:
        self.agenda = Agenda(rng.exponential(WAKE_MS, NOISES).tolist())
        self.cores = Cores(system.cores, self.agenda)
        self.rng = rng
        self.batchers = [
            Batcher(station, self.agenda, pool, _noise(station.spread, rng), self.leave)
            for station, pool in zip(system.stations, self._pools(system), strict=True)
        ]
        self.ways = [Way(route, self.batchers) for route in system.routes]
        self.bounds = list(accumulate(route.weight for route in system.routes))
        self.overheads = system.overheads
        self.send_ms = system.overheads.send_ms
        self.way_of: dict[int, Way] = {}
        self.due: dict[int, float] = {}
        self.left: dict[int, list[int]] = {}
        self.offered = 0
        self.sent = self.received = self.answered_at = 0.0
        self.answered = 0
        self.latencies: list[float] = []
        self.from_ms = 0.0
        self.times: Iterator[float] | None = None

    def _pools(self, system: System) -> Iterator[Cores]:
        """Yield what each station computes on: the cores, or GPUs that serve one at a time each."""
        gpus: dict[tuple[int, ...], Cores] = {}
        for station in system.stations:
            if station.gpus and station.gpus not in gpus:
                gpus[station.gpus] = Cores(len(station.gpus), self.agenda)
            yield gpus.get(station.gpus, self.cores)

    # ---- load ----

    def users(self, starts: list[float]) -> None:
        """Let users begin at these times; each asks again as soon as it has its answer."""
        for start in starts:
            heappush(self.agenda.heap, (start, self.agenda.number(), self._ask, start))

    def clock(self, times: Iterator[float]) -> None:
        """Let requests be sent at these times, in order."""
        self.times = times
        self.send_ms += self.overheads.open_ms
        self._tick()

    def _tick(self) -> None:
        assert self.times is not None
        due = next(self.times, None)
        if due is not None:
            heappush(self.agenda.heap, (due, self.agenda.number(), self._due, due))

    def _due(self, now: float, due: float) -> None:
        self._ask(now, due)
        self._tick()

    def _ask(self, now: float, due: float) -> None:
        """Send a request: the client sends one after another, and so the server receives."""
        self.offered += 1
        number = self.offered
        self.due[number] = due
        overheads = self.overheads
        self.sent = max(now, self.sent) + self.send_ms / 2
        arrival = max(self.sent + overheads.client_ms / 2, self.received) + overheads.receive_ms
        self.received = arrival
        heappush(self.agenda.heap, (arrival, self.agenda.number(), self._enter, number))

    def _enter(self, now: float, number: int) -> None:
        way = self.ways[0]
        if len(self.ways) > 1:
            drawn = self.rng.random() * self.bounds[-1]
            way = self.ways[min(bisect(self.bounds, drawn), len(self.ways) - 1)]
        low, high = way.rows
        rows = low if low == high else int(self.rng.integers(low, high + 1))
        self.way_of[number] = way
        if not way.chain:
            self.left[number] = [*way.needs, len(way.needs)]
        for place in way.first:
            way.stations[place].arrive(now, (now, rows, number, place))

    # ---- what leaves a station ----

    def leave(self, now: float, item: Item) -> None:
        """Pass a response on to the visits that follow, or answer the client."""
        _, rows, number, place = item
        way = self.way_of[number]
        following = way.next[place]
        if way.chain:
            if not following:
                self._answer(now, number)
                return
            after = following[0]
            way.stations[after].arrive(now, (now, rows, number, after))
            return
        left = self.left[number]
        for after in following:
            left[after] -= 1
            if not left[after]:
                way.stations[after].arrive(now, (now, rows, number, after))
        left[-1] -= 1
        if not left[-1]:
            del self.left[number]
            self._answer(now, number)

    def _answer(self, now: float, number: int) -> None:
        """Answer the client, which receives one after another; a user asks again at once."""
        overheads = self.overheads
        self.answered_at = max(now, self.answered_at) + overheads.answer_ms
        done = max(self.answered_at + overheads.client_ms / 2, self.sent) + self.send_ms / 2
        self.sent = done
        due = self.due.pop(number)
        del self.way_of[number]
        self.answered += 1
        if done >= self.from_ms:
            self.latencies.append(done - due)
        if self.cores.limited:
            self.cores.background = overheads.cpu_ms * self.answered / max(done, 1.0)
        if self.times is None:
            heappush(self.agenda.heap, (done, self.agenda.number(), self._ask, done))

    # ---- what was seen ----

    def watch(self, now: float) -> None:
        """Count from here on."""
        self.from_ms = now
        self.latencies.clear()
        for batcher in self.batchers:
            batcher.clear()

    def seen(self, window_ms: float) -> tuple[StationOutcome, ...]:
        """Return what the stations did."""
        return tuple(_seen(batcher, window_ms) for batcher in self.batchers)


def _noise(spread: float, rng: Any) -> list[float]:
    """Return factors of mean 1: how service times vary."""
    if not spread:
        return []
    factors: list[float] = rng.gamma(1 / spread**2, spread**2, NOISES).tolist()
    return factors


def _seen(batcher: Batcher, window_ms: float) -> StationOutcome:
    requests = max(batcher.requests, 1)
    executions = sum(batcher.batches.values())
    rows = sum(size * count for size, count in batcher.batches.items())
    queue, service = batcher.waited / requests, batcher.served / requests
    return StationOutcome(
        model=batcher.station.model,
        rate_rps=1000 * batcher.requests / window_ms,
        utilisation=batcher.busy / (window_ms * batcher.station.instances),
        mean_batch=rows / executions if executions else 0.0,
        queue_ms=queue,
        queue_share=queue / (queue + service) if queue + service else 0.0,
        service_ms=service,
        batches=dict(sorted(batcher.batches.items())),
    )
