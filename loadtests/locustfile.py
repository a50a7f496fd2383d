"""The load test of ``scenario.json``, as a Locust program.

Alone, ``locust -f locustfile.py --headless --only-summary``; with four processes,
``--processes 4``; over machines, ``--master --expect-workers 4`` and elsewhere ``--worker
--master-host``; with Locust's web page, without ``--headless``. Users, rates and times are the
scenario's, so Locust's own options for these are not needed. ``--results FILE`` is written at the
end, ``--live FILE`` once a second (- is the standard output).

Exit codes: 0, results are complete (and may say that they can't be trusted); 2, the scenario can't
be used, or workers differ; 9, results can't be written; 130, the run was ended early and what was
measured is written down as partial.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gevent
import load_choices
import load_connections
import load_results
import load_run
import load_threads
import load_ui
from gevent.event import AsyncResult
from load_answers import Failure
from load_clock import Clock
from load_conductor import Conductor
from load_scenario import Request, ScenarioError, read
from locust import User, events, task
from locust.exception import StopUser
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

HERE = Path(__file__).resolve().parent
END_S = 10
"""How long ending may take; gRPC under gevent is known to wait forever there."""

PACKAGES = frozenset({"tritonclient", "locust", "grpcio", "gevent", "numpy"})


def versions() -> dict[str, str]:
    """Return what a run depends on; all workers of one must agree."""
    program = hashlib.sha256()
    for path in sorted(HERE.glob("*.py")):
        program.update(path.read_bytes())
    packages = {name: version(name) for name in sorted(PACKAGES)}
    return {"program": program.hexdigest()[:16], "python": platform.python_version(), **packages}


class Load:
    """This process's part of a load test: one worker, the conductor of all, or both."""

    def __init__(self, environment: Any) -> None:
        """Read the scenario, make its requests ready, answer to Locust's events."""
        options = environment.parsed_options
        self.environment, self.runner = environment, environment.runner
        self.scenario = read(Path(options.scenario))
        self.results = Path(options.results)
        self.live = None if not options.live else _opened(options.live)
        self.headless = bool(options.headless)
        self.versions = versions()
        self.conductor: Conductor | None = None
        self.part: AsyncResult[load_run.Part] = AsyncResult()
        self.users = 0
        self.code = 0
        if not isinstance(self.runner, MasterRunner):
            self._be_worker()
        if not isinstance(self.runner, WorkerRunner):
            self._be_conductor(options)

    # ---- a worker ----

    def _be_worker(self) -> None:
        self.protocol = load_connections.protocol(self.scenario)
        self.kinds = load_choices.prepare(self.scenario, self.protocol)
        self.runner.register_message("load-go", self._go)
        self.runner.register_message("load-stop", self._stop)
        if isinstance(self.runner, WorkerRunner):
            said = {"versions": self.versions, "scenario": self.scenario.digest}
            self.runner.send_message("load-hello", said)
            self.environment.events.quitting.add_listener(self._stop)

    def _go(self, environment: Any, msg: Any) -> None:
        """Begin at the time that the conductor says."""
        data = dict(msg.data)
        clock = Clock(time.perf_counter() + data.pop("in_s") + self.scenario.warmup_s)
        place = load_choices.Place(**data)
        part = load_run.Part(self.scenario, self.kinds, place, clock, self._fire)
        gevent.spawn(self._tell_on, part)
        gevent.spawn(self._begin, part)

    def _begin(self, part: load_run.Part) -> None:
        part.clock.until(-self.scenario.warmup_s)
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
            request_type=self.scenario.protocol,
            name=kind.name,
            response_time=seconds * 1e3,
            response_length=size,
            exception=failure,
        )

    def work(self) -> None:
        """Be a user until the run is over."""
        number, self.users = self.users, self.users + 1
        part = self.part.get()
        connection = self.protocol.connect(number)
        try:
            part.work(number, connection)
        finally:
            connection.close()
        raise StopUser

    # ---- the conductor ----

    def _be_conductor(self, options: Any) -> None:
        # Locust starts with these, and its page proposes them. All at once is what is wanted here.
        logging.getLogger("locust.runners").addFilter(lambda r: "spawn rate is" not in str(r.msg))
        options.num_users = options.spawn_rate = self.scenario.users
        self.environment.process_exit_code = 0
        self.runner.register_message("load-hello", self._hello)
        self.runner.register_message("load-told", self._told)
        self.environment.events.spawning_complete.add_listener(self._conduct)
        self.environment.events.test_stopping.add_listener(self._interrupt)
        self.environment.events.quitting.add_listener(self._interrupt)

    def _hello(self, environment: Any, msg: Any) -> None:
        """Refuse to work with workers that would measure something else."""
        theirs = {**msg.data["versions"], "scenario": msg.data["scenario"]}
        ours = {**self.versions, "scenario": self.scenario.digest}
        differ = [
            f"{key} {theirs.get(key)}, not {ours[key]}"
            for key in ours
            if ours[key] != theirs.get(key)
        ]
        if differ:
            self._fail(2, f"worker {msg.node_id} has another {'; '.join(differ)}")

    def _told(self, environment: Any, msg: Any) -> None:
        if self.conductor is not None:
            self.conductor.told(msg.node_id, msg.data)

    def _present(self) -> list[str]:
        """Return the workers that Locust still hears from."""
        if isinstance(self.runner, LocalRunner):
            return ["local"]
        return [each.id for each in self.runner.clients.all if each.state != "missing"]

    def _conduct(self, **_: Any) -> None:
        """Begin once all users are there; Locust says so again if their number changes."""
        if self.conductor is None:
            self.conductor = Conductor(self.scenario, self.versions, self._present(), self._send)
            gevent.spawn(self._follow, self.conductor)

    def _send(self, kind: str, data: Mapping[str, Any], worker: str) -> None:
        self.runner.send_message(kind, dict(data), worker)

    def _follow(self, conductor: Conductor) -> None:
        """Feed the live lines until the run is over, then finish."""
        seconds = iter(range(*conductor.measured_seconds))
        second = next(seconds)
        while not conductor.over:
            gevent.sleep(0.05)
            conductor.lose(self._present())
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
        """Write the results, then end the program, or wait for the page's next run."""
        if self.conductor is not conductor:
            return
        self.conductor = None
        try:
            load_results.write(self.results, conductor.results())
        except OSError as error:
            self._fail(9, f"results can't be written: {error}")
        self.environment.process_exit_code = self.code
        if self.headless:
            _end_in(END_S, self.code)
            gevent.spawn(self.runner.quit)
        else:
            self.code = 0
            gevent.spawn(self.runner.stop)

    def _fail(self, code: int, message: str) -> None:
        sys.stderr.write(f"load: {message}\n")
        _leave(code)


def _opened(name: str) -> Any:
    return sys.stdout if name == "-" else Path(name).open("w", encoding="utf-8")


def _leave(exit_code: int) -> None:
    """End without what Python does at its end: it may wait forever for gRPC."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def _end_in(seconds: float, code: int) -> None:
    """End in any case, from a thread that gevent knows nothing of."""

    def wait() -> None:
        load_threads.sleep(seconds)
        os._exit(code)

    load_threads.start(wait, ())


def _options(parser: Any) -> None:
    for option, default, what in (
        ("--scenario", str(HERE / "scenario.json"), "what is sent"),
        ("--results", "results.json", "what was measured"),
        ("--live", "", "a line of JSON each second; - prints it"),
    ):
        parser.add_argument(
            option, default=default, help=what, metavar="FILE", include_in_web_ui=False
        )


def _init(environment: Any, **_: Any) -> None:
    try:
        environment.load = Load(environment)
    except ScenarioError as error:
        sys.stderr.write(f"load: {error}\n")
        _leave(2)
    if environment.web_ui:
        load_ui.extend(environment, environment.load.scenario)
    environment.events.quit.add_listener(_leave)


events.init_command_line_parser.add_listener(_options)  # type: ignore[no-untyped-call]
events.init.add_listener(_init)  # type: ignore[no-untyped-call]


class TritonUser(User):
    """One of those whose requests can be on their way at once."""

    @task
    def work(self) -> None:
        """Send what is due until the run is over."""
        self.environment.load.work()
