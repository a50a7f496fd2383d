"""From the command line of ``tritongen load`` to a measurement, saved and judged."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

from rich.text import Text

from tritongen import __version__
from tritongen.cli.build import Request
from tritongen.cli.files import replace as write_file
from tritongen.cli.load import Asked
from tritongen.cli.loadview import View, show_measurement
from tritongen.cli.output import console, messages, relative, show_findings, show_json
from tritongen.cli.planning import plan_spec
from tritongen.cli.report import write_report
from tritongen.cli.request import address
from tritongen.cli.up import end_on_signals, from_spec
from tritongen.errors import EngineError, MeasureError, SpecError
from tritongen.formats import junit
from tritongen.parts import embedded
from tritongen.parts.embedded.ports import any_free
from tritongen.parts.loadprogram import service_of
from tritongen.records.endpoint import Endpoint
from tritongen.records.finding import did_you_mean
from tritongen.records.loadtest import Arrivals, Paced, PlannedLoadTest
from tritongen.records.measurement import Measurement, Verdict
from tritongen.records.paths import RESULTS, RUNS
from tritongen.records.plan import Plan
from tritongen.stages.measure import (
    Measuring,
    Page,
    Probe,
    Prometheus,
    Search,
    Target,
    measure,
    search,
    write_measurement,
)
from tritongen.stages.measure.saved import as_json
from tritongen.stages.run import run

SEARCH_S = 170.0
"""The search's time; with the start of a server it ends within three minutes."""
WINDOW_S = 5.0
WARMUP_S = 1.0
AROUND_S = 2.5
"""What starting and ending the load program takes around a window."""


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
    prometheus = Prometheus(asked.prometheus) if asked.prometheus else None
    with served(asked, request, test) as (target, endpoint):
        check_served(target, test)
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
        broken = embedded.end_of(endpoint) if endpoint and measurement.partial else None
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
    running = embedded.find(request.root) if asked.engine is None else None
    if running is not None:
        messages.print(f"the server that runs in {relative(request.root)}", style="dim")
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
        pid=endpoint.pid,
    )


def check_served(target: Target, test: PlannedLoadTest) -> None:
    """Refuse a server that does not have the models."""
    with target.client() as triton:
        ready = {row.name for row in triton.index(protocol=target.protocol) if row.state == "READY"}
    missing = [each.model for each in test.traffic if each.model not in ready]
    if missing:
        raise EngineError(
            f"the server at {target.address} does not serve {', '.join(missing)}",
            why=f"ready there: {', '.join(sorted(ready)) or 'no model'}",
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
    path = write_measurement(measurement, root / RESULTS)
    if asked.as_json:
        show_json(as_json(measurement))
    else:
        show_measurement(measurement)
    messages.print(f"all of it: {relative(path)}", style="dim")
    if asked.junit:
        checks = [*map(_check, measurement.verdicts), *_other_checks(measurement)]
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


def refuse(measurement: Measurement) -> None:
    """Raise what makes a measurement a failure, if anything does."""
    if measurement.partial == "the server stopped answering":
        raise EngineError(
            "the server stopped answering during the load test",
            why=f"{measurement.window_s:.0f} s were measured before",
            fix="see its log: tritongen logs",
        )
    problems = [check.failure for check in _other_checks(measurement) if check.failure]
    problems += [f for v in measurement.verdicts if (f := _check(v).failure)]
    if not problems:
        return
    limit = measurement.bottleneck.sentence if measurement.bottleneck else ""
    untrusted = bool(measurement.distrust or measurement.partial)
    raise MeasureError(
        f"the load test {measurement.load.name} {'cannot be trusted' if untrusted else 'failed'}",
        why="\n".join(problems),
        fix="run it where fewer other things run, or with more --processes" if untrusted else limit,
    )


def _check(verdict: Verdict) -> junit.Check:
    from tritongen.cli.compare import number

    found = "nothing" if verdict.found is None else number(verdict.metric, verdict.found)
    limit = number(verdict.metric, verdict.limit)
    text = f"{verdict.metric} of {verdict.requests} is {found}, the objective is {limit}"
    name = f"{verdict.requests} {verdict.metric}"
    return junit.Check(name, "" if verdict.kept else text)


def _other_checks(measurement: Measurement) -> Iterator[junit.Check]:
    """Yield what holds of every load test: it ran to its end, can be trusted, was answered."""
    total = measurement.total
    early = f"it ended early: {measurement.partial}" if measurement.partial else ""
    yield junit.Check("ran to its end", early)
    yield junit.Check("can be trusted", "\n".join(measurement.distrust))
    allowed = any(verdict.metric == "error_rate" for verdict in measurement.verdicts)
    lost = total.failed + total.unsent
    failed = f"{lost} of {total.offered} requests failed" if lost and not allowed else ""
    if not total.answered:
        failed = f"none of {total.offered} requests was answered"
    if failed and measurement.failures:
        first = measurement.failures[0]
        failed += f"; most often: {first.kind} {first.code} {first.message}".rstrip()
    yield junit.Check("was answered", failed)


def find_max(plan: Plan, test: PlannedLoadTest, how: Measuring, asked: Asked) -> None:
    """Search the highest rate that keeps the objectives, and show it."""
    if not test.slo:
        raise SpecError(
            f"{test.name} has no objective to keep",
            fix="add `slo: {p99: 50ms, error_rate: 0.1%}` to it, or for its model",
        )
    until = time.monotonic() + SEARCH_S
    window_s = WARMUP_S + WINDOW_S + AROUND_S
    start = test.arrivals.constant or test.arrivals.poisson
    shown: list[Probe] = []

    def evaluate(rate: float) -> Probe:
        shown.append(probe(plan, test, how, rate))
        messages.print(Text(f"  {in_words(shown[-1])}"))
        return shown[-1]

    first = start.rate if start else closed_rate(plan, test, how)
    found = search(evaluate, first, time_left=lambda: until - time.monotonic(), window_s=window_s)
    show_search(found, asked)


def probe(plan: Plan, test: PlannedLoadTest, how: Measuring, rate: float) -> Probe:
    """Measure one window of an open loop."""
    law = "constant" if test.arrivals.constant else "poisson"
    window = replace(
        test,
        arrivals=Arrivals.model_validate({law: Paced(rate=rate)}),
        trace=None,
        duration_s=WINDOW_S,
        warmup_s=WARMUP_S,
        timeout_s=min(test.timeout_s, WINDOW_S),
    )
    seen = measure(plan, window, how)
    if seen.partial == "interrupted":
        raise KeyboardInterrupt
    refuse_untrusted(seen, rate)
    missed = [check.failure for check in map(_check, seen.verdicts) if check.failure]
    missed += list(seen.distrust)
    said = missed[0] if missed else f"p99 {seen.p99_ms or 0:.1f} ms"
    return Probe(rate_rps=rate, held=not missed, seen=said)


def refuse_untrusted(seen: Measurement, rate: float) -> None:
    """Raise if not the server but the load program, or the way there, set the limit."""
    if seen.partial:
        refuse(seen)
    reasons = {each["reason"] for each in seen.client["distrust"]}
    if reasons and not seen.saturated:
        raise MeasureError(
            f"the load program can't offer {rate:.0f}/s, so the server's limit is not known",
            why="\n".join(seen.distrust),
            fix="give it more cores: --processes, or another machine",
        )


def closed_rate(plan: Plan, test: PlannedLoadTest, how: Measuring) -> float:
    """Return the rate to begin at where the load test has none: what its own load reaches."""
    short = replace(test, duration_s=WINDOW_S, warmup_s=WARMUP_S)
    seen = measure(plan, short, how)
    if seen.partial == "interrupted":
        raise KeyboardInterrupt
    if not seen.total.answered:
        refuse(seen)
    return max(seen.throughput_rps, 1.0)


def in_words(seen: Probe) -> str:
    """Return a probe in one line."""
    return f"{seen.rate_rps:8.1f}/s  {'holds' if seen.held else 'fails'}  {seen.seen}"


def show_search(found: Search, asked: Asked) -> None:
    """Write what a search found; refuse if no rate held."""
    if asked.as_json:
        show_json(asdict(found))
    elif found.low_rps:
        console.print(Text(search_in_words(found), style="bold"))
    if not found.low_rps:
        slowest = min((each.rate_rps for each in found.probes), default=0.0)
        last = found.probes[-1].seen if found.probes else "there was no time for a window"
        raise MeasureError(f"no rate keeps the objectives, not even {slowest:.1f}/s", why=last)


def search_in_words(found: Search) -> str:
    """Return what a search found in a sentence."""
    windows = f"{len(found.probes)} windows of {WINDOW_S:g} s"
    if found.high_rps is None:
        return f"at least {found.low_rps:.1f}/s keep the objectives ({windows}; no rate failed)"
    low, high = found.interval
    sure = "" if found.complete else "; there was no time to come nearer"
    mixed = f"; single windows failed from {low:.1f}/s on and held up to {high or 0:.1f}/s"
    noisy = mixed if (low, high) != (found.low_rps, found.high_rps) else ""
    return (
        f"{found.low_rps:.1f}/s keep the objectives, {found.high_rps:.1f}/s do not "
        f"({windows}{noisy}{sure})"
    )
