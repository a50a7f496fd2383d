"""Stations at work without clients: what comes when is said, batches are seen in order."""

from typing import Any

from tritongen.records.system import Overheads, Route, Station, System, Visit
from tritongen.simulate.batcher import Batcher, Item
from tritongen.simulate.cores import Agenda, Cores

FREE = Overheads(send_ms=0, open_ms=0, receive_ms=0, answer_ms=0, client_ms=0, cpu_ms=0)


def station(**said: Any) -> Station:
    """A model of 100 ms for any batch, on one instance."""
    usual = {"model": "m", "instances": 1, "max_batch_size": 8, "ms": (100.0,) * 64}
    return Station(**usual | {"release_ms": 0.0} | said)


def batches(made: Station, *arrivals: tuple[float, int]) -> list[tuple[float, int]]:
    """Return when each batch was done and its rows, for (ms, so many requests of a row)."""
    agenda = Agenda([0.03])
    done: dict[float, int] = {}

    def leave(now: float, item: Item) -> None:
        done[round(now)] = done.get(round(now), 0) + item[1]

    batcher = Batcher(made, agenda, Cores(None, agenda), [], leave)

    def arrive(now: float, count: int) -> None:
        for number in range(count):
            batcher.arrive(now, (now, 1, number, 0))

    for at, count in arrivals:
        agenda.heap.append((at, agenda.number(), arrive, count))
    agenda.heap.sort()
    agenda.run(1e9)
    return sorted(done.items())


def sizes(made: Station, *arrivals: tuple[float, int]) -> list[int]:
    """Return the rows of each batch, in order."""
    return [rows for _, rows in batches(made, *arrivals)]


def alone(made: Station, **said: Any) -> System:
    """A system of one station that costs nothing besides."""
    route = Route(model=made.model, visits=(Visit(station=0),))
    return System(**{"stations": (made,), "routes": (route,), "overheads": FREE} | said)
