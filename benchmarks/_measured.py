"""Measures settings on the real server, without restarting it, and keeps what was measured."""

import json
import os
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks._flagship import SPEC
from benchmarks._settings import MEMBERS, SLEEP, Setting, sleeping_spec
from tritongen.cli.build import Request
from tritongen.cli.planning import plan_spec, write
from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.loadtest import Arrivals
from tritongen.records.measurement import Measurement
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan
from tritongen.records.release import releases
from tritongen.stages.measure import Measuring, Target, measure
from tritongen.stages.run import run
from tritongen.triton import Triton

SECONDS, WARMUP_S = 5.0, 1.0
REQUESTS = 1000
"""A step that computes is disturbed at times: a 99th percentile of fewer is one disturbance."""
QUIET_MS = 1.0
"""A setting is measured again if threads woke later than that: others computed meanwhile."""
SLEEP_S = 0.005
SLEEPING = ("alone", "chain", "fan")


@dataclass(frozen=True)
class Result:
    """A setting and what was measured with it.

    ``late_ms`` tells how quiet the machine was: how late a thread woke that slept meanwhile, all
    but one time in fifty.
    """

    setting: Setting
    measurement: Measurement
    late_ms: float


class Results:
    """A file of results, written anew after each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, Result] = {}
        if path.is_file():
            read = TypeAdapter(Result).validate_python
            self.rows = {row["name"]: read(row["result"]) for row in json.loads(path.read_text())}

    def good(self, setting: Setting) -> bool:
        """Tell whether there is a result of a quiet machine."""
        known = self.rows.get(setting.name)
        return known is not None and known.late_ms <= QUIET_MS

    def add(self, result: Result) -> None:
        """Keep a result unless there is a less disturbed one; without what only a report needs."""
        known = self.rows.get(result.setting.name)
        if known and known.late_ms <= result.late_ms:
            return
        seen = result.measurement
        total = replace(seen.total, seconds=())
        workers = {"workers": seen.client.get("workers", [])}
        server = seen.server
        if server:  # most models were not asked
            server = replace(server, models=tuple(each for each in server.models if each.requests))
        small = replace(seen, total=total, server=server, requests={}, verdicts=(), client=workers)
        self.rows[result.setting.name] = replace(result, measurement=small)
        rows = [{"name": name, "result": asdict(each)} for name, each in self.rows.items()]
        draft = self.path.with_suffix(".new")
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
        draft.replace(self.path)


def plans(folder: Path) -> dict[str, Plan]:
    """Build the sleeping ensembles and the flagship below a folder; return the plan of each."""
    sleeping, flagship = sleeping_plan(folder / "sleeping"), built(SPEC, folder / "flagship")
    return {name: plan for plan in (sleeping, flagship) for name in plan.models}


def sleeping_plan(folder: Path) -> Plan:
    """Build the sleeping ensembles in a folder."""
    folder.mkdir(parents=True)
    (folder / "sleep.py").write_text(SLEEP)
    (folder / "spec.yaml").write_text(sleeping_spec())
    return built(folder / "spec.yaml", folder)


def built(spec: Path, root: Path) -> Plan:
    """Build a spec."""
    plan, _ = plan_spec(Request.of(spec, (), root, strict=False))
    write(plan, root)
    return plan


def configs(plan: Plan, setting: Setting) -> dict[str, ModelConfig]:
    """Return all configurations of a plan with what a setting changes."""
    changed = {name: ModelConfig() for name in plan.models}
    for name, config in changed.items():
        config.CopyFrom(plan.models[name].config)
        if config.HasField("ensemble_scheduling"):
            config.max_batch_size = 1  # so that it limits no step's
        _change(config, setting.models.get(name, {}))
    return changed


def _change(config: ModelConfig, said: Mapping[str, Any]) -> None:
    config.max_batch_size = said.get("size", config.max_batch_size)
    if "count" in said:
        config.instance_group[0].count = said["count"]
    if not said.get("batching", True):
        config.ClearField("dynamic_batching")
        return
    if said:
        config.dynamic_batching.max_queue_delay_microseconds = said.get("delay", 0)
        config.dynamic_batching.preferred_batch_size.extend(said.get("preferred", ()))


class Bench:
    """A server whose configurations are changed while it runs."""

    def __init__(
        self, plan: Plan, endpoint: Endpoint, folder: Path, seconds: float = SECONDS
    ) -> None:
        self.plan, self.folder, self.seconds = plan, folder, seconds
        self.target = Target(address=endpoint.grpc, protocol="grpc", pid=endpoint.pid)
        self.triton = Triton(http=endpoint.http, grpc=endpoint.grpc)
        self.applied = {name: model.config for name, model in plan.models.items()}

    def measure(self, setting: Setting) -> Result:
        """Load what differs, ensembles last, and measure."""
        wanted = configs(self.plan, setting)
        for name in sorted(wanted, key=lambda each: each in MEMBERS and each != "alone"):
            if wanted[name] != self.applied[name]:
                self.triton.load(name, wanted[name])
                self.applied[name] = wanted[name]
        models = {
            name: replace(model, config=wanted[name]) for name, model in self.plan.models.items()
        }
        plan = replace(self.plan, models=models)
        with lateness() as late:
            measurement = measure(plan, self._test(setting), self._how())
        return Result(setting, measurement, statistics.quantiles(late, n=50)[-1])

    def _test(self, setting: Setting) -> Any:
        tests = self.plan.loadtests.values()
        test = next(each for each in tests if each.traffic[0].model == setting.ensemble)
        arrivals = Arrivals.model_validate(setting.arrivals)
        return replace(
            test,
            arrivals=arrivals,
            duration_s=self._long(setting.ensemble, arrivals),
            warmup_s=WARMUP_S,
            seed=len(setting.name),
            slo={},
            lag_limit=1.0,
        )

    def _long(self, ensemble: str, arrivals: Arrivals) -> float:
        paced = arrivals.poisson or arrivals.constant
        if paced is None or ensemble in SLEEPING:
            return self.seconds
        return max(self.seconds, REQUESTS / paced.rate)

    def _how(self) -> Measuring:
        return Measuring(
            target=self.target,
            folder=self.folder / "runs" / str(time.monotonic_ns()),
            environment=os.environ,
            described={},
            cores=len(os.sched_getaffinity(0)),
        )


@contextmanager
def lateness() -> Iterator[list[float]]:
    """Yield by how many ms a thread wakes late that sleeps again and again."""
    late: list[float] = []
    ended = threading.Event()

    def sleep() -> None:
        while not ended.is_set():
            begun = time.monotonic()
            time.sleep(SLEEP_S)
            late.append(1000 * (time.monotonic() - begun - SLEEP_S))

    thread = threading.Thread(target=sleep)
    thread.start()
    try:
        yield late
    finally:
        ended.set()
        thread.join()


@contextmanager
def served(plan: Plan, folder: Path, seconds: float = SECONDS) -> Iterator[Bench]:
    """Serve what was built from a plan, so that configurations can be loaded."""
    serving = Serving(
        root=folder,
        repository=folder / "model_repository",
        release=releases()[RELEASE],
        environment=os.environ,
        options=("--model-control-mode=explicit", "--load-model=*"),
        auto_complete=False,
        usual_ports=False,
    )
    with run(serving) as endpoint:
        yield Bench(plan, endpoint, folder, seconds)


def measure_all(
    wanted: Sequence[Setting], results: Results, folder: Path, *, minutes: float | None
) -> None:
    """Measure what has no result yet, then what was disturbed, for at most so long."""
    end = time.monotonic() + (60 * minutes if minutes is not None else float("inf"))
    every = plans(folder)
    for root, names in ((folder / "sleeping", SLEEPING), (folder / "flagship", ("filetype",))):
        left = [s for s in wanted if s.ensemble in names and not results.good(s)]
        left.sort(key=lambda setting: setting.name in results.rows)
        if not left or time.monotonic() > end:
            continue
        with served(every[names[0]], root) as bench:
            for setting in left:
                if time.monotonic() > end:
                    return
                result = bench.measure(setting)
                results.add(result)
                print(f"  measured {setting.name} (late by {result.late_ms:.1f} ms)", flush=True)
