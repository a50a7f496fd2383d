"""The process that leads the runs: Locust's master, or the only process there is."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent
import load_end
import load_metrics
import load_results
from load_catalogue import Catalogue
from load_conductor import Conductor
from load_scenario import ScenarioError
from locust.runners import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, LocalRunner

END_S = 10
"""How long ending may take; gRPC under gevent is known to wait forever there."""

HELLO_S = 60
"""How long workers may take to read and encode what they will send."""

SAID = logging.getLogger("load")


class Leader:
    """Starts the chosen load test with all workers, follows it, and keeps its results."""

    def __init__(self, environment: Any, catalogue: Catalogue, versions: dict[str, str]) -> None:
        """Answer to Locust's events; raise `ScenarioError` if what is chosen can't be used."""
        options = environment.parsed_options
        self.environment, self.runner = environment, environment.runner
        self.catalogue, self.versions = catalogue, versions
        self.scenario = catalogue.chosen()
        self.file = Path(options.results) if options.results else None
        self.live = None if not options.live else _opened(options.live)
        self.headless = bool(options.headless)
        self.workers: list[str] = []
        self.hellos: dict[str, Mapping[str, str]] = {}
        self.conductor: Conductor | None = None
        self.results: Mapping[str, Any] | None = None
        self.metrics = load_metrics.Metrics(catalogue.requests())
        self.code = 0
        # Locust starts with these, and its page proposes them. All at once is what is wanted here.
        logging.getLogger("locust.runners").addFilter(lambda r: "spawn rate is" not in str(r.msg))
        options.num_users = options.spawn_rate = self.scenario.users
        environment.process_exit_code = 0
        self.runner.register_message("load-hello", self._hello)
        self.runner.register_message("load-told", self._told)
        environment.events.spawning_complete.add_listener(self._conduct)
        environment.events.test_stopping.add_listener(self._interrupt)
        environment.events.quitting.add_listener(self._interrupt)
        self.start, self.runner.start = self.runner.start, self._start

    def _start(self, *_: Any, **__: Any) -> None:
        """Start what is chosen with its own users, whatever number Locust has been given.

        Locust also starts to share out users anew when a worker comes or goes. That would take
        users off in the middle of their requests, so what runs is left alone.
        """
        if self.runner.state in (STATE_SPAWNING, STATE_RUNNING):
            return
        try:
            self.scenario = self.catalogue.chosen()
        except ScenarioError as error:
            self._refuse(2, str(error))
            return
        self.workers = self._workers()
        self.hellos.clear()
        self.environment.host = self.scenario.address
        self.start(self.scenario.users, self.scenario.users)

    def _hello(self, environment: Any, msg: Any) -> None:
        self.hellos[msg.node_id] = msg.data

    def _told(self, environment: Any, msg: Any) -> None:
        if self.conductor is not None and self.conductor.told(msg.node_id, msg.data):
            self.metrics.count(self.scenario.name, msg.node_id, msg.data)

    def _workers(self) -> list[str]:
        """Return the workers that Locust still hears from."""
        if isinstance(self.runner, LocalRunner):
            return ["local"]
        return [each.id for each in self.runner.clients.all if each.state != STATE_MISSING]

    def _conduct(self, **_: Any) -> None:
        """Begin once all users are there."""
        if self.conductor is None:
            gevent.spawn(self._lead)

    def _lead(self) -> None:
        with gevent.Timeout(HELLO_S, False):
            while not self.hellos.keys() >= set(self.workers):
                gevent.sleep(0.02)
        wrong = [text for worker in self.workers if (text := self._wrong(worker))]
        if wrong:
            self._refuse(2, "; ".join(wrong))
        elif self.runner.state in (STATE_SPAWNING, STATE_RUNNING):
            self.conductor = Conductor(self.scenario, self.versions, self.workers, self._send)
            self._follow(self.conductor)

    def _wrong(self, worker: str) -> str:
        """Say why a worker would measure something else."""
        theirs = self.hellos.get(worker)
        if theirs is None:
            return f"worker {worker} was not ready in {HELLO_S} s"
        if "error" in theirs:
            return f"worker {worker}: {theirs['error']}"
        scenario = self.scenario
        ours = {**self.versions, "scenario": scenario.digest, "address": scenario.address}
        differ = [
            f"{key} {theirs.get(key)}, not {value}"
            for key, value in ours.items()
            if theirs.get(key) != value
        ]
        return f"worker {worker} has another {'; '.join(differ)}" if differ else ""

    def _send(self, kind: str, data: Mapping[str, Any], worker: str) -> None:
        self.runner.send_message(kind, dict(data), worker)

    def _follow(self, conductor: Conductor) -> None:
        """Feed the live lines until the run is over, then finish."""
        seconds = iter(range(*conductor.measured_seconds))
        second = next(seconds)
        while not conductor.over:
            gevent.sleep(0.05)
            conductor.lose(self._workers())
            # Workers tell of a second once it is over; a little later all have.
            if conductor.now() > second + 1.2:
                self._feed(conductor, second)
                second = next(seconds, second + 10**9)
        for left in (second, *seconds):
            if left < conductor.now():
                self._feed(conductor, left)
        self._finish(conductor)

    def _feed(self, conductor: Conductor, second: int) -> None:
        if self.live is not None:
            (line,) = conductor.measured.lines([second])
            length = self.scenario.warmup_s + self.scenario.duration_s
            progress = min((second + 1 + self.scenario.warmup_s) / length, 1.0)
            self.live.write(load_results.live(line, progress, conductor.running))
            self.live.flush()

    def _interrupt(self, **_: Any) -> None:
        if self.conductor is not None and not self.conductor.over:
            self.code = 130
            self.conductor.stop("interrupted")
            self._finish(self.conductor)

    def _finish(self, conductor: Conductor) -> None:
        """Keep the results, then end the program, or wait for the page's next run."""
        if self.conductor is not conductor:
            return
        self.conductor = None
        self.metrics.end()
        self.results = conductor.results()
        try:
            if self.file is not None:
                load_results.write(self.file, self.results)
        except OSError as error:
            self._refuse(9, f"results can't be written: {error}")
        self._end_run()

    def _end_run(self) -> None:
        if self.headless:
            self.environment.process_exit_code = self.code
            load_end.end_in(END_S, self.code)
            gevent.spawn(self.runner.quit)
        else:
            gevent.spawn(self.runner.stop)

    def _refuse(self, code: int, message: str) -> None:
        """End with a reason; a page shows it and goes on."""
        if self.headless:
            load_end.fail(code, message)
        SAID.error(message)
        self.runner.log_exception("load", message, message)
        gevent.spawn(self.runner.stop)

    def why_not(self) -> str:
        """Say why no load test can be started now; Locust itself would say that it has been."""
        return "" if self._workers() else "no worker is connected yet, or none any more"

    def told(self) -> str:
        """Return Prometheus' text about what runs and what has run."""
        if self.conductor is None:
            return self.metrics.text(load_metrics.Now())
        now = load_metrics.Now(
            loadtest=self.scenario.name,
            users=self.scenario.users,
            workers=self.conductor.running,
        )
        return self.metrics.text(now)


def _opened(name: str) -> Any:
    return sys.stdout if name == "-" else Path(name).open("w", encoding="utf-8")
