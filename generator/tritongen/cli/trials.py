"""A setting becomes a measurement: the server of a study is brought to it and put under load."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from tritongen.cli.loading import described, target_of
from tritongen.cli.planning import serving_of
from tritongen.errors import EngineError
from tritongen.parts.engines import embedded
from tritongen.parts.engines.embedded import Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.paths import REPOSITORY
from tritongen.records.plan import Plan
from tritongen.records.release import Release
from tritongen.records.study import Setting
from tritongen.stages.apply import apply, diff
from tritongen.stages.measure import Live, Measuring, Target, measure
from tritongen.stages.render import render
from tritongen.stages.switch import LOAD_S, HangingError, Switch, configs
from tritongen.stages.tune import apply_setting, needs_restart, replicated
from tritongen.triton import Statistics, Triton, UnreachableError

START_S = 60.0
"""How long nothing may happen while a server starts with a setting."""
PATIENCE_S = 10.0
"""A request that is not answered by then has failed: a model that hangs costs no more."""
GRACE_S = 5.0


class Server(Protocol):
    """What settings are tried on.

    ``counters`` are read by it where clients are not shown them; ``replicas`` share the requests.
    """

    counters: Callable[[], tuple[Statistics, ...]] | None
    replicas: int

    def bring(self, setting: Setting, plan: Plan) -> Target:
        """Serve a setting, whose plan is given; EngineError if that is refused."""

    def doubt(self) -> None:
        """Something was odd: make sure before the next setting."""

    def close(self) -> None:
        """Leave it as it was found."""


@dataclass
class Own:
    """A server for the study alone, with a repository of its own in ``folder``.

    A model that has not loaded after ``load_s`` hangs.
    """

    folder: Path
    protocol: str
    load_s: float = LOAD_S
    endpoint: Endpoint | None = None
    switch: Switch | None = None
    setting: Setting = field(default_factory=Setting)
    counters: Callable[[], tuple[Statistics, ...]] | None = None
    replicas: int = 1

    def bring(self, setting: Setting, plan: Plan) -> Target:
        """Load what differs; start anew where that is not enough, or the server is gone."""
        if self.endpoint and not embedded.process(self.endpoint).alive():
            self.doubt()
        if self.switch is None or needs_restart(setting, self.setting):
            self._start(plan)
        assert self.switch
        assert self.endpoint
        self.setting = setting
        try:
            self.switch.to(configs(plan))
        except (HangingError, UnreachableError) as error:
            how = embedded.end_of(self.endpoint) if self._gone(self.endpoint) else None
            self.doubt()
            raise EngineError(how.message if how else error.message) from error
        return target_of(self.endpoint, "http" if self.protocol == "http" else "grpc")

    def _gone(self, endpoint: Endpoint) -> bool:
        return embedded.process(endpoint).wait(1.0)

    def _start(self, plan: Plan) -> None:
        self.doubt()
        if left := embedded.find(self.folder):  # of a study that was killed
            embedded.stop(left, grace_s=GRACE_S)
        tree = render(plan)
        apply(diff(tree, self.folder, force=True), self.folder, tree)
        said = serving_of(plan)
        assert said is not None, "what the engine lacks was left out"
        serving = Serving(
            root=self.folder,
            repository=self.folder / REPOSITORY,
            release=Release(**said["release"]),
            environment=os.environ,
            server=embedded.resolved(said["server"], os.environ),
            options=("--model-control-mode=explicit", "--load-model=*"),
            usual_ports=False,
            timeout_s=START_S,
        )
        self.endpoint = embedded.start(serving)
        triton = Triton(http=self.endpoint.http, grpc=self.endpoint.grpc)
        self.switch = Switch(triton, configs(plan), load_s=self.load_s)

    def doubt(self) -> None:
        """End it: the next setting gets a new one."""
        if self.switch:
            self.switch.triton.close()
        if self.endpoint:
            embedded.stop(self.endpoint, grace_s=GRACE_S)
        self.switch = self.endpoint = None

    def close(self) -> None:
        """End it; its repository is only a copy."""
        self.doubt()


@dataclass
class Trials:
    """Evaluates settings of ``plan`` on a server; ``show`` is called with every second.

    Once ``ending`` is set, what is measured ends as by Ctrl-C, which reaches one thread only.
    """

    plan: Plan
    server: Server
    folder: Path
    processes: int
    cores: int | None
    show: Callable[[Live], None]
    ending: threading.Event

    def evaluate(self, setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        """Bring the server to a setting and run ``test`` against it.

        Raises:
            EngineError: the setting was refused, or broke the server.
            MeasureError: the load program could not measure.
        """
        plan = apply_setting(self.plan, setting)
        target = self.server.bring(setting, plan)
        how = Measuring(
            target=target,
            folder=self.folder,
            environment=os.environ,
            described=described(plan, target),
            processes=self.processes,
            cores=self.cores,
            counters=self.server.counters,
        )
        test = replace(test, timeout_s=min(test.timeout_s, max(PATIENCE_S, seconds)))
        try:
            measurement = measure(replicated(plan, self.server.replicas), test, how, self._second)
        except EngineError:
            self.server.doubt()
            raise
        if measurement.partial or not measurement.total.answered:
            self.server.doubt()
        return measurement

    def _second(self, live: Live) -> None:
        if self.ending.is_set():
            raise KeyboardInterrupt
        self.show(live)
