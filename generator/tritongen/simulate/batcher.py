"""A model's queue, dynamic batcher and instances, as Triton 2.51 moves requests through them.

The numbers of the rules are those of ``docs/simulator.md``.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappush

from tritongen.records.system import Station
from tritongen.simulate.cores import Agenda, Cores

Item = tuple[float, int, int, int]
"""A request at a station: when it came there, its rows, its number, the visit of its route."""
Leave = Callable[[float, Item], None]

EXACT_MS = 1e-6
"""Times that differ by less are the same: sums of fractions are not exact."""


class Payload:
    """Requests that are executed together; ``taken`` once an instance has it, or froze it."""

    __slots__ = ("begun", "items", "rows", "taken")

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.rows = 0
        self.begun = 0.0
        self.taken = False

    def add(self, item: Item) -> None:
        """Put a request behind the others."""
        if not self.items:
            self.begun = item[0]
        self.items.append(item)
        self.rows += item[1]


class Batcher:
    """A station at work, on ``cores`` or GPUs; ``leave`` is called as each response leaves it."""

    def __init__(
        self, station: Station, agenda: Agenda, cores: Cores, noise: list[float], leave: Leave
    ) -> None:
        self.station = station
        self.agenda, self.cores, self.leave = agenda, cores, leave
        self.most = max(station.max_batch_size, 1)
        self.preferred = frozenset(station.preferred or (self.most,))
        self.steps = sorted(self.preferred)
        self.delay = station.delay_us / 1000 if station.batching else 0.0
        self.slots = 2 * station.instances
        self.wakes, self.early = station.wakes, station.early
        self.ms = list(_extended(station.ms, self.most))
        self.noise, self.drawn = noise, 0
        self.queue: deque[Item] = deque()
        self.queued = 0
        self.payloads: deque[Payload] = deque()
        self.current = Payload()
        self.full = False
        self.enough = 0
        on_gpu = bool(station.gpus)
        self.share = station.gpu if on_gpu else station.cpu
        self.threads = 1 if on_gpu else station.threads
        self.idle = station.instances
        self.coming = 0
        self.looks = 0
        self.woken = False
        self.clear()

    def clear(self) -> None:
        """Count from here on."""
        self.batches: dict[int, int] = {}
        self.requests = 0
        self.waited = 0.0
        self.served = 0.0
        self.busy = 0.0

    # ---- arrivals, and when the batcher looks at them ----

    def arrive(self, now: float, item: Item) -> None:
        """Take a request in."""
        if not self.station.batching:
            payload = Payload()
            payload.add(item)
            self.payloads.append(payload)
            self._call(now)
            return
        self.queue.append(item)
        self.queued += item[1]
        if self.woken or not self._room():  # rule 1
            return
        if self.queued >= self.enough or self.wakes or self.full or self.current.taken:  # rule 5
            self._wake(now)

    def _room(self) -> bool:
        """Tell whether another payload may be formed (rules 1 and 9)."""
        return len(self.payloads) < (self.slots if self.early else self.idle)

    def _wake(self, now: float) -> None:
        if not self.woken:
            self.woken = True
            agenda = self.agenda
            heappush(agenda.heap, (now + agenda.wake(), agenda.number(), self._look, 0))

    def _look(self, now: float, look: int) -> None:
        """Let the batcher work until it waits; ``look`` is its number if it is a timer's."""
        if look and look != self.looks:
            return
        self.woken = False
        self.looks += 1
        while True:
            if self.full or self.current.taken:
                self.current, self.full, self.enough = Payload(), False, 0
            if not self.queue or not self._room():
                return
            count, wait = self._choose(now)
            if wait > 0:
                agenda = self.agenda
                heappush(agenda.heap, (now + wait, agenda.number(), self._look, self.looks))
                return
            self._send(now, count)

    # ---- what goes into a payload ----

    def _choose(self, now: float) -> tuple[int, float]:
        """Return how many requests join the current payload, or how long to wait before."""
        have = self.current.rows
        if not (have or self.delay or len(self.queue) > 1) and self.queue[0][1] < self.steps[0]:
            return 1, 0.0  # what happens most, in short
        last = self.steps[-1]
        taken = count = best = 0
        marked = overflow = False
        for item in self.queue:
            rows = item[1]
            total = have + taken + rows
            if have + taken:
                if total > last and not marked:  # rules 3 and 7
                    best, marked, self.full = count, bool(count), True
                if total > self.most:
                    overflow = True
                    break
            taken += rows
            count += 1
            if total in self.preferred:
                best, marked = count, True
        old = now - self.queue[0][0] >= self.delay - EXACT_MS
        if marked and not (old and self.delay):
            self.full = self.full or not self.delay
            return best, 0.0
        if overflow or have + taken >= last:
            self.full = True
            return count, 0.0
        if old or not self.delay:
            return count, 0.0
        return self._wait(have, taken, count, now)

    def _wait(self, have: int, taken: int, count: int, now: float) -> tuple[int, float]:
        following = next((size for size in self.steps if size > have + taken), self.steps[0])
        self.enough = following - have
        if have and not self.full and have not in self.preferred:
            return count, 0.0
        return 0, max(self.queue[0][0] + self.delay - now, EXACT_MS)

    def _send(self, now: float, count: int) -> None:
        payload = self.current
        fresh = not payload.items
        for _ in range(count):
            item = self.queue.popleft()
            payload.add(item)
            self.queued -= item[1]
        if fresh and payload.items:
            self.payloads.append(payload)
            self._call(now)

    # ---- instances ----

    def _call(self, now: float) -> None:
        """Wake an instance that waits."""
        if self.idle > self.coming:
            self.coming += 1
            agenda = self.agenda
            heappush(agenda.heap, (now + agenda.wake(), agenda.number(), self._come, 0))

    def _come(self, now: float, _: int) -> None:
        self.coming -= 1
        if self.payloads:
            self.idle -= 1
            self._take(now)

    def _take(self, now: float) -> None:
        payload = self.payloads.popleft()
        payload.taken = True
        if self.payloads and self.delay and self.most > 1:
            self._merge(payload, now)
        if self.station.batching and self.queue:
            self._wake(now)
        self._execute(now, payload)

    def _merge(self, payload: Payload, now: float) -> None:
        """Add what stands behind and has waited long enough (rule 6)."""
        while self.payloads:
            front = self.payloads[0]
            if now - front.begun <= self.delay:
                return
            front.taken = True
            if payload.rows + front.rows > self.most:
                return
            for item in front.items:
                payload.add(item)
            self.payloads.popleft()

    def _execute(self, now: float, payload: Payload) -> None:
        rows, items = payload.rows, payload.items
        ms = self.ms[min(rows, self.most)]  # a model that does not batch has one time for any
        if self.noise:
            self.drawn = (self.drawn + 1) % len(self.noise)
            ms *= self.noise[self.drawn]
        for item in items:
            self.waited += now - item[0]
        self.requests += len(items)
        self.batches[rows] = self.batches.get(rows, 0) + 1
        if self.share and self.cores.limited:
            work = ms * self.share
            job = (payload, now, ms - work)
            self.cores.add(now, work, self.threads, self._computed, job)
        else:
            agenda = self.agenda
            heappush(agenda.heap, (now + ms, agenda.number(), self._finish, (payload, now)))

    def _computed(self, now: float, job: tuple[Payload, float, float]) -> None:
        payload, began, rest = job
        agenda = self.agenda
        heappush(agenda.heap, (now + rest, agenda.number(), self._finish, (payload, began)))

    def _finish(self, now: float, job: tuple[Payload, float]) -> None:
        """Let the responses leave one after another, then take the next payload (rule 8)."""
        payload, began = job
        agenda, gap, leave = self.agenda, self.station.release_ms, self.leave
        end = now
        *others, last = payload.items
        for item in others:
            end += gap
            heappush(agenda.heap, (end, agenda.number(), leave, item))
        end += gap
        heappush(agenda.heap, (end, agenda.number(), self._free, last))
        self.served += (now - began) * len(payload.items)
        self.busy += end - began

    def _free(self, now: float, last: Item) -> None:
        """Let the last one leave, and pop the front before the batcher wakes (rule 1)."""
        self.leave(now, last)
        if self.payloads:
            self._take(now)
            return
        self.idle += 1
        if self.queue:
            self._wake(now)


def _extended(ms: tuple[float, ...], most: int) -> list[float]:
    """Return times by rows from 0 to the largest batch."""
    slope = ms[-1] - ms[-2] if len(ms) > 1 else ms[0]
    beyond = [ms[-1] + slope * (n + 1) for n in range(most - len(ms))]
    return [0.0, *ms, *beyond]
