"""From the command line of ``tritongen tune`` to a study, shown and kept."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tritongen.cli.build import Request
from tritongen.cli.given import Given, at_url, in_stack, restore
from tritongen.cli.output import console, messages, relative, show_findings, show_json
from tritongen.cli.planning import plan_spec
from tritongen.cli.report import write_study
from tritongen.cli.trials import Own, Server, Trials
from tritongen.cli.tune import Asked
from tritongen.cli.tuned import amendments, write_into, write_overlay
from tritongen.cli.tuneview import TuneView, show_study
from tritongen.errors import HostError, SpecError, ToolMissingError, TuneError
from tritongen.parts.engines.embedded import RELEASE
from tritongen.parts.engines.embedded.newer import newer_things, without
from tritongen.records.paths import STUDIES
from tritongen.records.plan import Plan
from tritongen.records.release import releases
from tritongen.records.study import Host, Study
from tritongen.records.tune import Budget, PlannedTune, Tune
from tritongen.stages.resolve.tune import tuned_as
from tritongen.stages.tune import Besides, tune, tuned
from tritongen.triton import Protocol


def tune_spec(asked: Asked) -> None:
    """Search, show what was found, and write it where that was asked."""
    from tritongen.cli.up import end_on_signals

    end_on_signals()
    request = Request.of(asked.spec, asked.overlays, None, strict=False)
    plan, findings = plan_spec(request)
    show_findings(findings)
    planned = planned_tune(plan, asked)
    folder = request.root / STUDIES
    with held(folder):
        journal = journal_of(folder, plan.name, resume=asked.resume)
        refused = None
        try:
            study = search(plan, planned, asked, request.root, journal)
        except TuneError as error:
            study, refused = error.study, error
    finish(plan, study, asked, journal)
    if refused:
        raise refused
    if study.conclusion and study.conclusion.stopped == "interrupted":
        messages.print("interrupted: `tritongen tune --resume` goes on with it")
        raise KeyboardInterrupt


def planned_tune(plan: Plan, asked: Asked) -> PlannedTune:
    """Return the spec's search, or the usual one, with what the command line says."""
    planned = plan.tune or tuned_as(plan, Tune())
    if asked.method:
        planned = replace(planned, method=asked.method)
    if asked.budget:
        budget = _budget(asked.budget)
        planned = replace(planned, trials=budget.trials, seconds=budget.time)
    if asked.urls and asked.engine != "embedded":
        raise SpecError("--url and --engine name two servers", fix="leave one of the two out")
    if (asked.urls or asked.engine == "compose") and planned.server:
        names = ", ".join(planned.server)
        messages.print(f"not searched on a server that runs, which is not restarted: {names}")
        planned = replace(planned, server={})
    return planned


def _budget(said: str) -> Budget:
    try:
        return Budget.model_validate(said)
    except ValidationError as error:
        raise SpecError(
            f"--budget {said}: no budget",
            why=f"expected {error.errors()[0]['msg']}",
            fix='write "25 trials" or 10min',
        ) from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder of studies: two at a time would measure each other."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise HostError(f"{folder} can't be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HostError(
                f"another `tritongen tune` is running in {folder.parent.parent.resolve()}",
                fix="wait for it, or stop it",
            ) from error
        yield


def journal_of(folder: Path, name: str, *, resume: bool) -> Path:
    """Return where a study is written: a new one's, or the last one's."""
    numbers = sorted(int(path.stem.rpartition("-")[2]) for path in studies(folder, name))
    if resume and not numbers:
        raise SpecError(f"there is no study of {name} to go on with", fix="leave --resume out")
    last = numbers[-1] if numbers else 0
    return folder / f"{name}-{last if resume else last + 1}.jsonl"


def studies(folder: Path, name: str) -> list[Path]:
    """Return the journals of a spec's studies."""
    return [p for p in folder.glob(f"{name}-*.jsonl") if p.stem.removeprefix(f"{name}-").isdigit()]


def search(plan: Plan, planned: PlannedTune, asked: Asked, root: Path, journal: Path) -> Study:
    """Run the search on a server of its own, or on those that were named."""
    restore(root, plan, os.environ)
    own = asked.engine == "embedded" and not asked.urls
    served = for_engine(plan) if own else plan
    ending = threading.Event()
    view = TuneView(planned)
    with ExitStack() as within:
        servers = opened(served, planned, asked, root, within)
        cores = None if asked.urls else len(os.sched_getaffinity(0))
        tried = [
            Trials(
                plan=served,
                server=server,
                folder=root / STUDIES / f"load{n or ''}",
                processes=asked.processes,
                cores=cores,
                show=view.second,
                ending=ending,
            ).evaluate
            for n, server in enumerate(servers)
        ]
        besides = Besides(servers=tried[1:], ending=ending, earlier=others(journal))
        within.enter_context(view.shown())
        within.callback(view.say, "stopping the server" if own else "leaving it as it was")
        return tune(
            served,
            tried[0],
            planned,
            host=host(cores, asked, servers[0].replicas),
            journal=journal,
            show=view.event,
            besides=besides,
        )


def opened(
    plan: Plan, planned: PlannedTune, asked: Asked, root: Path, within: ExitStack
) -> list[Server]:
    """Return what settings are tried on; what it has is kept before anything is changed.

    At the end of ``within`` it gets that back.
    """
    folder = root / STUDIES
    protocol: Protocol = "http" if plan.loadtests[planned.loadtest].protocol == "http" else "grpc"
    given: list[Given] = []
    if asked.urls:
        given = [at_url(url, protocol, folder) for url in asked.urls]
    elif asked.engine == "compose":
        given = [in_stack(plan, root, protocol, os.environ, within)]
    else:
        mine = Own(folder / "server", protocol)
        within.callback(mine.close)
        return [mine]
    for each in given:
        within.callback(each.close)
        each.hold(plan)
    return [*given]


def others(journal: Path) -> list[Path]:
    """Return the journals of studies that were before, the newest first."""
    found = [path for path in journal.parent.glob("*.jsonl") if path != journal]
    return sorted(found, key=lambda path: -path.stat().st_mtime)


def for_engine(plan: Plan) -> Plan:
    """Return the plan as the embedded engine can serve it: without a stack.

    Raises:
        ToolMissingError: it uses what the engine lacks.
    """
    engine = releases()[RELEASE]
    if newer := newer_things(plan, engine):
        raise ToolMissingError(
            f"the embedded engine is Triton {engine.tag}, and the spec uses what it lacks",
            why="\n".join(map(str, newer)),
            fix="tune the stack (--engine compose), or a running server: --url HOST:PORT",
        )
    return replace(without(plan, [], engine), stack=None)


def host(cores: int | None, asked: Asked, replicas: int) -> Host:
    """Return what this machine has; of another one nothing is known but its address."""
    if cores is None:
        return Host(machine=", ".join(asked.urls))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    return Host(
        cores=float(cores),
        gpus=gpus,
        memory_bytes=memory,
        machine=f"{processor()}, {asked.engine}",
        replicas=replicas,
    )


def processor() -> str:
    """Return the name of this machine's processor; empty where it is not told."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "")


def finish(plan: Plan, study: Study, asked: Asked, journal: Path) -> None:
    """Show what was found and say where it is kept."""
    if asked.as_json:
        show_json({**as_json(study), "study": str(journal), "changes": changes_json(plan, study)})
    else:
        show_study(study)
    messages.print(f"all of it: {relative(journal)}", style="dim")
    if asked.html:
        write_study(study, asked.html)
        messages.print(f"as a page: {relative(asked.html)}", style="dim")
    if not (asked.write or asked.overlay):
        return
    found = amendments(plan, study)
    if not found:
        messages.print("nothing to write: the spec stays as it is")
    elif asked.overlay:
        write_overlay(found, asked.spec, asked.overlay, journal)
    if found and asked.write:
        write_into(plan, found, asked.spec, messages if asked.as_json else console)


def as_json(study: Study) -> dict[str, object]:
    """Return a study for a program: all but the measurements, which the journal has."""
    lean = replace(study, trials=tuple(replace(t, measurement=None) for t in study.trials))
    dumped: dict[str, object] = TypeAdapter(Study).dump_python(lean, mode="json")
    return dumped


def changes_json(plan: Plan, study: Study) -> list[dict[str, object]]:
    """Return what is changed in the spec, with its evidence."""
    return [asdict(decision) for decision in tuned(plan, study)]
