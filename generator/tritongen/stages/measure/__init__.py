"""A load test is run against a server, and what both saw is joined into one measurement."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tritongen.parts import loadprogram
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Bottleneck, Figures, Load, Measurement, Server
from tritongen.records.plan import Plan
from tritongen.stages.measure.bottleneck import bottleneck
from tritongen.stages.measure.compare import Comparison, compare
from tritongen.stages.measure.judge import verdicts
from tritongen.stages.measure.peak import figures_of, peak
from tritongen.stages.measure.program import Page, Run, run
from tritongen.stages.measure.prometheus import Prometheus
from tritongen.stages.measure.results import distrust, figures, measured_seconds
from tritongen.stages.measure.saved import read_measurement, write_measurement
from tritongen.stages.measure.search import Probe, Search, search
from tritongen.stages.measure.watching import Target, Watch, reach
from tritongen.stages.measure.window import between, server
from tritongen.triton import Statistics

__all__ = [
    "Comparison",
    "Live",
    "Measuring",
    "Page",
    "Probe",
    "Prometheus",
    "Search",
    "Target",
    "compare",
    "measure",
    "read_measurement",
    "search",
    "write_measurement",
]

AHEAD_S = 0.3
"""The program says when it told its workers to begin; they begin so much later."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """A second of a run as it is under way: the feed's line, and the share of waiting in models."""

    line: Mapping[str, Any]
    queue_share: float | None


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """How a load test is run.

    ``folder`` is the run's own. ``environment`` is what the program sees; ``described`` is kept in
    the measurement. ``cores`` are those of the server's machine, if it is this one. ``counters``
    reads the server's where the target keeps them to itself. With a ``page`` the last of the runs
    that are started there is measured, once Ctrl-C ends them.
    """

    target: Target
    folder: Path
    environment: Mapping[str, str]
    described: Mapping[str, str]
    processes: int = 1
    cores: int | None = None
    prometheus: Prometheus | None = None
    counters: Callable[[], tuple[Statistics, ...]] | None = None
    page: Page | None = None


def measure(
    plan: Plan, test: PlannedLoadTest, how: Measuring, show: Callable[[Live], None] = lambda _: None
) -> Measurement:
    """Run a load test and return what was measured; ``show`` is called every second.

    Ctrl-C ends it early: the measurement is ``partial``. A server that stops answering does, too.

    Raises:
        UnreachableError: no server answers at the beginning.
        MeasureError: the load program could not measure.
        HostError: this machine can't hold its files.
        ToolMissingError: Locust is not installed.
    """
    said = loadprogram.scenario(plan, test, address=how.target.address, files=_files(test, how))
    watch = Watch(how.target, how.counters)
    reach(how.target)

    def follow(lines: list[Mapping[str, Any]]) -> bool:
        answers = watch.look()
        for line in lines:
            show(Live(line=line, queue_share=watch.queue_share()))
        return answers

    try:
        this = Run(
            folder=how.folder,
            scenario=said,
            processes=how.processes,
            environment=how.environment,
            page=how.page,
        )
        client, interrupted = run(this, follow)
    finally:
        watch.close()
    # A page is always left by Ctrl-C: the program says whether a run was under way.
    partial = "interrupted" if interrupted and not how.page else client["partial"]
    if watch.lost:
        partial = "the server stopped answering"
    seen = _server(plan, test, how, watch, client)
    return _joined(test, how, client, seen, partial)


def _files(test: PlannedLoadTest, how: Measuring) -> dict[str, str]:
    """Return where the payloads are: those of the plan, whether built or not."""
    files = {}
    for each in test.traffic:
        source = getattr(each.samples.entry, "source", "") if each.samples else ""
        files[each.model] = source
    if test.trace is not None:
        how.folder.mkdir(parents=True, exist_ok=True)
        path = how.folder.absolute() / "trace.csv"
        path.write_text(getattr(test.trace, "text", ""), "utf-8")
        files["trace"] = str(path)
    return files


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The server's side: of all that was measured, and of the busiest seconds if they stand out."""

    whole: Server | None
    busiest: Server | None
    seconds: tuple[int, int] | None


def _server(
    plan: Plan, test: PlannedLoadTest, how: Measuring, watch: Watch, client: Mapping[str, Any]
) -> _Seen:
    began = datetime.fromisoformat(client["started_at"]).timestamp() + AHEAD_S + test.warmup_s
    ended = began + client["measured_s"]
    configs = {name: plan.models[name].config for name in plan.models}
    if how.prometheus is None:
        samples, source = watch.samples, f"statistics of {how.target.address}"
    else:
        samples, source = how.prometheus.samples(began, ended), how.prometheus.url

    def of(begin_s: float, end_s: float) -> Server | None:
        inside = between(samples, began + begin_s, began + end_s)
        return server(inside, configs, cores=how.cores, source=source)

    seconds = peak(measured_seconds(client))
    return _Seen(
        whole=of(0, client["measured_s"]),
        busiest=of(*seconds) if seconds else None,
        seconds=seconds,
    )


def _limit(load: Load, total: Figures, seen: _Seen, client: Mapping[str, Any]) -> Bottleneck | None:
    """Say what limited; of a load that changed, in its busiest seconds."""
    cpu = max((worker["cpu"] for worker in client["workers"]), default=0.0)
    whole = bottleneck(load, total, seen.whole, cpu) if seen.whole else None
    if whole is None or seen.busiest is None or seen.seconds is None:
        return whole
    begin, end = seen.seconds
    there = figures_of(total, measured_seconds(client)[begin:end])
    busiest = bottleneck(load, there, seen.busiest, cpu)
    if busiest is None:
        return whole
    sentence = f"in the busiest seconds ({begin} to {end} s): {busiest.sentence}"
    return replace(whole, sentence=sentence, limit=busiest.limit, seconds=seen.seconds)


def _joined(
    test: PlannedLoadTest,
    how: Measuring,
    client: Mapping[str, Any],
    seen: _Seen,
    partial: str | None,
) -> Measurement:
    load = load_of(test, how.processes)
    total = figures(client["total"], measured_seconds(client))
    requests = {
        name: figures(said, measured_seconds(client, name))
        for name, said in client["requests"].items()
    }
    return Measurement(
        load=load,
        started_at=client["started_at"],
        window_s=client["measured_s"],
        total=total,
        requests=requests,
        server=seen.whole,
        bottleneck=_limit(load, total, seen, client),
        verdicts=verdicts(test.slo, total, requests),
        distrust=tuple(distrust(client)),
        partial=partial,
        stable=client["stability"]["stable"],
        saturated=client["saturated"],
        environment={**how.described, **client["versions"]},
        client=client,
    )


def load_of(test: PlannedLoadTest, processes: int) -> Load:
    """Return what a load test sends, in words and figures."""
    said = test.arrivals
    paced = said.constant or said.poisson
    law = next(name for name in type(said).model_fields if getattr(said, name) is not None)
    words = {"closed": f"{said.closed.users} users" if said.closed else ""}
    if paced:
        words[law] = f"{paced.rate:g}/s, {law}"
    if said.burst:
        words[law] = f"bursts of {said.burst.size} every {said.burst.every:g} s"
    if said.stages:
        levels = " to ".join(f"{each.rate:g}/s" for each in said.stages)
        words[law] = f"stages of {levels}"
    return Load(
        name=test.name,
        protocol=test.protocol,
        models={each.model: each.weight for each in test.traffic},
        arrivals=words.get(law, law),
        rate_rps=paced.rate if paced else None,
        users=said.closed.users if said.closed else None,
        duration_s=test.duration_s,
        warmup_s=test.warmup_s,
        seed=test.seed,
        processes=processes,
    )
