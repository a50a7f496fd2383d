"""From the command line of ``tritongen load`` to a measurement, saved and judged."""

import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rich.text import Text

from tritongen import __version__
from tritongen.cli.build import Request
from tritongen.cli.files import replace as write_file
from tritongen.cli.judging import all_checks, refuse
from tritongen.cli.load import Asked
from tritongen.cli.loadview import View, show_measurement
from tritongen.cli.output import messages, relative, show_findings, show_json
from tritongen.cli.planning import plan_spec
from tritongen.cli.report import write_report
from tritongen.cli.request import address
from tritongen.cli.saturation import find_max
from tritongen.cli.up import end_on_signals, from_spec
from tritongen.errors import EngineError, SpecError
from tritongen.formats import junit
from tritongen.parts import engines
from tritongen.parts.engines import embedded
from tritongen.parts.engines.ports import any_free
from tritongen.parts.loadprogram import service_of
from tritongen.records.endpoint import Endpoint
from tritongen.records.finding import did_you_mean
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.paths import RESULTS, RUNS
from tritongen.records.plan import Plan
from tritongen.stages.measure import (
    Measuring,
    Page,
    Prometheus,
    Target,
    measure,
    write_measurement,
)
from tritongen.stages.measure.saved import as_json
from tritongen.stages.run import run

FEWEST_S = 20.0
"""In a shorter test a Prometheus that scrapes every five seconds has too few samples."""


def load_test(asked: Asked) -> None:
    """Run the load test that was asked for, or search its highest rate."""
    end_on_signals()
    if asked.ui and asked.find_max:
        raise SpecError(
            "--ui shows one load, --find-max tries many", fix="leave one of the two out"
        )
    request = Request.of(asked.spec, asked.overlays, asked.root, strict=False)
    plan, findings = plan_spec(request)
    show_findings(findings)
    test = _with_duration(named(plan, asked.name), asked.duration)
    given = Prometheus(asked.prometheus) if asked.prometheus else None
    with served(asked, request, test) as (target, endpoint):
        check_served(target, test)
        prometheus = given or (own_prometheus(endpoint, test) if endpoint else None)
        how = Measuring(
            target=target,
            folder=request.root / RUNS / test.name,
            environment=os.environ,
            described=described(plan, target),
            processes=asked.processes,
            cores=None if target.pid is None else len(os.sched_getaffinity(0)),
            prometheus=prometheus,
            page=_page() if asked.ui else None,
        )
        if asked.find_max:
            find_max(plan, test, how, asked)
            return
        with closing(View(f"{test.name} on {target.address}")) as view:
            measurement = measure(plan, test, how, view.show)
        own = endpoint is not None and endpoint.engine == "embedded"
        broken = embedded.end_of(endpoint) if endpoint and own and measurement.partial else None
    finish(measurement, asked, request.root, broken)


def _page() -> Page:
    with ExitStack() as held:
        port = any_free("127.0.0.1", held)
    text = f"Locust's page: http://127.0.0.1:{port} (Ctrl-C ends it)"
    return Page(port, lambda: messages.print(text))


def named(plan: Plan, name: str | None) -> PlannedLoadTest:
    """Return a load test of the spec; the only one if none was named."""
    tests = plan.loadtests
    if not tests:
        raise SpecError(
            "the spec has no load test",
            fix="add `loadtests: {smoke: {model: ..., arrivals: {closed: 4}, duration: 10s}}`",
        )
    if name is None and len(tests) == 1:
        return next(iter(tests.values()))
    if name is None:
        raise SpecError("which load test?", fix=f"name one of {', '.join(tests)}")
    if name not in tests:
        fix = did_you_mean(name, tests) or f"name one of {', '.join(tests)}"
        raise SpecError(f"the spec has no load test {name!r}", fix=fix)
    return tests[name]


def _with_duration(test: PlannedLoadTest, said: str | None) -> PlannedLoadTest:
    if said is None:
        return test
    from pydantic_core import PydanticCustomError

    from tritongen.records.units import duration

    try:
        seconds = duration(said)
    except PydanticCustomError as error:
        raise SpecError(f"--duration {said}: no duration", fix="write it like 10s") from error
    if seconds <= 0:
        raise SpecError(f"--duration {said}: nothing would be measured", fix="write how long: 10s")
    warmup_s = min(test.warmup_s, seconds / 2)
    return replace(test, duration_s=seconds, warmup_s=warmup_s)


@contextmanager
def served(
    asked: Asked, request: Request, test: PlannedLoadTest
) -> Iterator[tuple[Target, Endpoint | None]]:
    """Yield the server to ask: the one named, the one that runs, or one that is served for it."""
    service = service_of(test)
    protocol: Literal["http", "grpc"] = "http" if service == "http" else "grpc"
    if asked.url:
        yield Target(address=address(asked.url), protocol=protocol), None
        return
    running = engines.find(request.root, os.environ) if asked.engine is None else None
    if running is not None:
        what = "stack" if running.engine == "compose" else "server"
        messages.print(f"measures the {what} that runs for {relative(request.spec)}", style="dim")
        yield target_of(running, protocol), running
        return
    embedded.refuse_second(request.root)
    from tritongen.cli.progress import Progress

    again = Request.of(asked.spec, asked.overlays, asked.root, strict=False)
    serving = from_spec(again, as_engine=False)
    with closing(Progress()) as progress, run(serving, progress) as endpoint:
        progress.close()
        messages.print(f"serving, ready in {progress.seconds:.1f} s", style="dim")
        yield target_of(endpoint, protocol), endpoint


def target_of(endpoint: Endpoint, protocol: Literal["http", "grpc"]) -> Target:
    """Return a server of this machine as what is put under load."""
    return Target(
        address=getattr(endpoint, protocol),
        protocol=protocol,
        metrics=endpoint.metrics,
        pid=endpoint.pid or None,
    )


def own_prometheus(endpoint: Endpoint, test: PlannedLoadTest) -> Prometheus | None:
    """Return the Prometheus of a stack, whose gateway keeps the models' counters to itself."""
    if not endpoint.prometheus:
        if endpoint.engine == "compose":
            messages.print("without the server's side: the stack's Prometheus does not run")
        return None
    if test.duration_s < FEWEST_S:
        messages.print(
            f"shorter than {FEWEST_S:g} s: the stack's Prometheus sees too little of it to say "
            "what limits",
            style="dim",
        )
        return None
    try:
        return Prometheus(endpoint.prometheus)
    except EngineError as error:
        messages.print(f"without the server's side: {error.message} ({error.why})", style="yellow")
        return None


def check_served(target: Target, test: PlannedLoadTest) -> None:
    """Refuse a server that does not have the models."""
    with target.client() as triton:
        missing = [
            each.model
            for each in test.traffic
            if not triton.model_ready(each.model, protocol=target.protocol)
        ]
    if missing:
        raise EngineError(
            f"the server at {target.address} does not serve {', '.join(missing)}",
            fix="serve the spec there, or name another server with --url",
        )


def described(plan: Plan, target: Target) -> dict[str, str]:
    """Return what a measurement depends on, besides the load program's own versions."""
    return {
        "tritongen": __version__,
        "triton": plan.release.tag,
        "server": "this machine" if target.pid is not None else target.address,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }


def finish(measurement: Measurement, asked: Asked, root: Path, broken: EngineError | None) -> None:
    """Save, show and judge a measurement."""
    # Shown first: where the disk is full, nothing of what was measured is lost.
    if asked.as_json:
        show_json(as_json(measurement))
    else:
        show_measurement(measurement)
    path = write_measurement(measurement, root / RESULTS)
    messages.print(f"all of it: {relative(path)}", style="dim")
    if asked.junit:
        checks = all_checks(measurement)
        suite = f"load {measurement.load.name}"
        write_file(asked.junit, junit.write(suite, checks, seconds=measurement.window_s))
    if asked.html:
        write_report(measurement, asked.html)
        messages.print(f"as a page: {relative(asked.html)}", style="dim")
    if measurement.stable is False:
        message = measurement.client["stability"]["message"]
        messages.print(Text.assemble(("note", "bold cyan"), f"  not stable: {message}"))
    if measurement.partial == "interrupted":
        messages.print(f"interrupted: only {measurement.window_s:.0f} s were measured")
        raise KeyboardInterrupt
    if broken is not None:
        raise broken
    refuse(measurement)
