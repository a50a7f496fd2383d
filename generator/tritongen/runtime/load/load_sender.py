"""A process that sends: a worker of Locust's, or the only process there is."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import Any

import gevent
import load_choices
import load_connections
import load_run
from gevent.event import AsyncResult
from load_answers import Failure
from load_catalogue import Catalogue
from load_clock import Clock
from load_scenario import Request, Scenario, ScenarioError
from locust.exception import StopUser
from locust.runners import WorkerRunner


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A scenario whose requests are ready to be sent."""

    scenario: Scenario
    protocol: load_connections.Protocols
    kinds: tuple[load_choices.Kind, ...]


def _prepare(scenario: Scenario) -> Ready:
    protocol = load_connections.protocol(scenario)
    kinds = load_choices.prepare(scenario, protocol)
    return Ready(scenario=scenario, protocol=protocol, kinds=kinds)


class Sender:
    """This process's part of each run."""

    def __init__(self, environment: Any, catalogue: Catalogue, said: dict[str, str]) -> None:
        """Make ready what was chosen, answer to the leader; it is told ``said`` before each run.

        Raises `ScenarioError` if what was chosen can't be sent.
        """
        self.environment, self.runner = environment, environment.runner
        self.catalogue, self.said = catalogue, said
        self.prepared: dict[tuple[str, str], Ready] = {}
        self.part: AsyncResult[load_run.Part] = AsyncResult()
        self.users = 0
        self.ready = self._chosen()
        self.runner.register_message("load-go", self._go)
        self.runner.register_message("load-stop", self._stop)
        environment.events.test_start.add_listener(self._hello)
        if isinstance(self.runner, WorkerRunner):
            environment.events.quitting.add_listener(self._stop)

    def _chosen(self) -> Ready:
        """Return what was chosen; only what is new or was changed is prepared."""
        scenario = self.catalogue.chosen()
        key = (scenario.digest, scenario.address)
        if key not in self.prepared:
            self.prepared[key] = _prepare(scenario)
        return self.prepared[key]

    def _hello(self, **_: Any) -> None:
        """Say what this process is about to send, and with what: all have to agree."""
        try:
            self.ready = self._chosen()
        except ScenarioError as error:
            said = {"error": str(error)}
        else:
            scenario = self.ready.scenario
            said = {**self.said, "scenario": scenario.digest, "address": scenario.address}
        # To look for garbage in all that is there by now would stop everything for 50 ms at times.
        gc.collect()
        gc.freeze()
        self.runner.send_message("load-hello", said)

    def _go(self, environment: Any, msg: Any) -> None:
        """Begin at the time that the leader says."""
        data, ready = dict(msg.data), self.ready
        clock = Clock(time.perf_counter() + data.pop("in_s") + ready.scenario.warmup_s)
        place = load_choices.Place(**data)
        part = load_run.Part(ready.scenario, ready.kinds, place, clock, self._fire)
        gevent.spawn(self._tell_on, part)
        gevent.spawn(self._begin, part)

    def _begin(self, part: load_run.Part) -> None:
        part.clock.until(-part.scenario.warmup_s)
        self.part.set(part)
        part.dispatch()

    def _tell_on(self, part: load_run.Part) -> None:
        """Tell each second's counts; the last time when nothing more can come."""
        used, begun = time.process_time(), time.perf_counter()
        second = part.clock.now() // 1 + 1
        done = False
        while not done:
            while not part.done and part.clock.now() < second:
                gevent.sleep(min(max(second - part.clock.now(), 0.001), 0.05))
            second += 1
            done = part.done
            cpu = (time.process_time() - used) / (time.perf_counter() - begun)
            now = part.clock.now()
            told = {"now": now, "cpu": cpu, "done": done, "counted": part.take()}
            self.runner.send_message("load-told", told)
        self.part, self.users = AsyncResult(), 0
        part.clock.close()

    def _stop(self, **_: Any) -> None:
        """End early; what is on its way stays unfinished."""
        if self.part.ready():
            part = self.part.get()
            part.stop()
            part.recorder.in_flight = 0
            gevent.sleep(0.1)

    def _fire(self, kind: Request, seconds: float, size: int, failure: Failure | None) -> None:
        """Tell Locust of a request, for its own page and summary."""
        self.environment.events.request.fire(
            request_type=self.ready.scenario.protocol,
            name=kind.name,
            response_time=seconds * 1e3,
            response_length=size,
            exception=failure,
        )

    def work(self) -> None:
        """Be a user until the run is over."""
        number, self.users = self.users, self.users + 1
        part = self.part.get()
        connection = self.ready.protocol.connect()
        try:
            part.work(number, connection)
        finally:
            connection.close()
        raise StopUser
