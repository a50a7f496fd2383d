"""A setting becomes a measurement: the server of a study is brought to it and put under load."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from tritongen.cli.loading import described, target_of
from tritongen.cli.output import messages
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
from tritongen.stages.switch import (
    HangingError,
    Switch,
    configs,
    found,
    read_found,
    refuse_other_modes,
    write_found,
)
from tritongen.stages.tune import apply_setting, needs_restart
from tritongen.triton import Triton, UnreachableError

START_S = 60.0
"""How long nothing may happen while a server starts with a setting."""
PATIENCE_S = 10.0
"""A request that is not answered by then has failed: a model that hangs costs no more."""
GRACE_S = 5.0


class Server(Protocol):
    """What settings are tried on."""

    def bring(self, setting: Setting, plan: Plan) -> Target:
        """Serve a setting, whose plan is given; EngineError if that is refused."""

    def doubt(self) -> None:
        """Something was odd: make sure before the next setting."""

    def close(self) -> None:
        """Leave it as it was found."""


@dataclass
class Own:
    """A server for the study alone, with a repository of its own in ``folder``."""

    folder: Path
    protocol: str
    endpoint: Endpoint | None = None
    switch: Switch | None = None
    setting: Setting = field(default_factory=Setting)

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
        self.switch = Switch(triton, configs(plan))

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


class Given:
    """A running server in explicit mode; ``note`` keeps what it had until it has it again."""

    def __init__(self, address: str, plan: Plan, note: Path) -> None:
        self.target = Target(address=address, protocol="grpc")
        self.note = note
        triton = self.target.client()
        refuse_other_modes(triton)
        self.had = found(triton, configs(plan))
        write_found(note, address, self.had)
        self.switch = Switch(triton, {})

    def bring(self, setting: Setting, plan: Plan) -> Target:
        """Load what differs."""
        try:
            self.switch.to(configs(plan))
        except (HangingError, UnreachableError):
            self.doubt()
            raise
        return self.target

    def doubt(self) -> None:
        """Load everything the next time: nothing is known of what is served."""
        self.switch.has.clear()

    def close(self) -> None:
        """Load what it had."""
        try:
            self.switch.to(self.had)
        except EngineError as error:
            messages.print(
                f"{self.target.address} did not take back what it had: {error.message}\n"
                "the next `tritongen tune` tries again",
                style="yellow",
            )
            return
        finally:
            self.switch.triton.close()
        self.note.unlink(missing_ok=True)


def restore(note: Path) -> None:
    """Give a server back what it had, if a study was killed before it did.

    Raises:
        EngineError: the server is not there, or refuses its own configurations.
    """
    left = read_found(note)
    if left is None:
        return
    address, had = left
    with Target(address=address, protocol="grpc").client() as triton:
        Switch(triton, {}).to(had)
    note.unlink()
    messages.print(f"gave {address} back what it had before a study that was killed", style="dim")


@dataclass
class Trials:
    """Evaluates settings of ``plan`` on a server; ``show`` is called with every second."""

    plan: Plan
    server: Server
    folder: Path
    processes: int
    cores: int | None
    show: Callable[[Live], None]

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
        )
        test = replace(test, timeout_s=min(test.timeout_s, max(PATIENCE_S, seconds)))
        try:
            measurement = measure(plan, test, how, self.show)
        except EngineError:
            self.server.doubt()
            raise
        if measurement.partial or not measurement.total.answered:
            self.server.doubt()
        return measurement
