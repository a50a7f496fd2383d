"""The words and figures of the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tritongen.records.measurement import Measurement, ModelTimes, StepLimit, Verdict
from tritongen.stages.report.axis import milliseconds, number, rate, share, span
from tritongen.stages.report.series import Span, passed, spans

HOT, WARM = 0.85, 0.6
QUANTILES = ("p50", "p90", "p95", "p99", "p99.9")


@dataclass(frozen=True)
class Headline:
    """What the page says first: ``tone`` is good, bad, warn or plain."""

    tone: str
    word: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A figure that is read from afar, and what is said below it."""

    name: str
    value: str
    below: str
    tone: str = "plain"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """An objective in words; ``used`` is the share of its budget that was used, at most 1."""

    requests: str
    text: str
    found: str
    kept: bool
    used: float | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table of latencies; ``cells`` are (figure, interval)."""

    name: str
    text: str
    cells: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a bar; ``width`` in percent of it."""

    label: str
    tone: str
    width: float


@dataclass(frozen=True, kw_only=True)
class Station:
    """A model as the server saw it; ``depth`` is how deep in ensembles it stands.

    ``width`` is its time in percent of the longest.
    """

    model: ModelTimes
    depth: int
    parts: Sequence[Part]
    width: float
    time: str
    limit: StepLimit | None
    tone: str


def headline(measurement: Measurement) -> Headline:
    """Say how it ended in a word and a sentence."""
    verdicts = measurement.verdicts
    missed = sum(not verdict.kept for verdict in verdicts)
    if missed:
        text = f"{missed} of {len(verdicts)} objectives missed."
        return Headline("bad", "Missed", text)
    if measurement.partial:
        return Headline("warn", "Partial", f"The run ended early: {measurement.partial}.")
    if measurement.distrust:
        return Headline("warn", "Not trustworthy", "The load generator could not do its part.")
    if not verdicts:
        return Headline("plain", "Measured", "There were no objectives to hold it against.")
    every = "The objective was" if len(verdicts) == 1 else f"All {len(verdicts)} objectives were"
    return Headline("good", "Met", f"{every} met.")


def tiles(measurement: Measurement) -> list[Tile]:
    """Return the figures that sum the run up."""
    total, asked = measurement.total, measurement.load.rate_rps
    below = f"of {rate(asked)} asked for" if asked else f"{number(total.answered)} answers"
    # Where the load was meant to change, its spread is no uncertainty.
    if total.rate_ci_rps and measurement.stable is not None:
        below = f"{below}; 95% CI {span(total.rate_ci_rps, number)}"
    lost = total.failed + total.unsent
    errors = f"{number(lost)} of {number(total.offered)} requests"
    if total.unsent:
        errors += f", {number(total.unsent)} of them never sent"
    tone = "bad" if lost else "plain"
    return [
        Tile(name="Throughput", value=rate(total.rate_rps), below=below),
        *_percentiles(measurement),
        Tile(name="Errors", value=share(total.error_rate), below=errors, tone=tone),
    ]


def _percentiles(measurement: Measurement) -> Iterator[Tile]:
    latency = measurement.total.latency
    names = {"p50": "Median latency", "p95": "95th percentile", "p99": "99th percentile"}
    for key, name in names.items():
        if latency is None:
            yield Tile(name=name, value="–", below="nothing was answered")
            continue
        ci = latency.ci_ms.get(key)
        below = f"95% CI {span(ci, milliseconds)}" if ci else ""
        yield Tile(name=name, value=milliseconds(getattr(latency, f"{key}_ms")), below=below)


def objective(verdict: Verdict) -> Objective:
    """Return an objective in words."""
    metric, _, unit = verdict.metric.rpartition("_")
    least = unit == "rps"
    write = {"ms": milliseconds, "rps": rate, "rate": share}[unit]
    name = {"throughput": "throughput", "error": "errors", "p999": "p99.9"}.get(metric, metric)
    found = verdict.found
    used = None
    if found is not None and (verdict.limit if not least else found):
        used = verdict.limit / found if least else found / verdict.limit
    return Objective(
        requests="all requests" if verdict.requests == "all" else verdict.requests,
        text=f"{name} {'≥' if least else '≤'} {write(verdict.limit)}",
        found="no answer" if found is None else write(found),
        kept=verdict.kept,
        used=None if used is None else min(used, 1.0),
    )


def sentence(text: str) -> str:
    """Return text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def notes(measurement: Measurement) -> Iterator[tuple[str, str]]:
    """Yield what a reader must know before believing the figures: (heading, text)."""
    if measurement.partial:
        told = f"{number(measurement.window_s)} of {number(measurement.load.duration_s)} s"
        yield "Ended early", sentence(f"{measurement.partial}; {told} were measured")
    for reason in measurement.distrust:
        yield "Not trustworthy", sentence(reason)
    if measurement.stable is False:
        message = measurement.client.get("stability", {}).get("message", "it drifts")
        yield "Not stable", sentence(message)


def latencies(measurement: Measurement) -> Iterator[Row]:
    """Yield the distributions of the client's side."""
    client: Mapping[str, Any] = measurement.client
    total = client.get("total", {})
    closed = measurement.load.users is not None
    sent = "the same in a closed loop" if closed else "what the server and the network took"
    for name, text, said in (
        ("from due", "what callers waited", total.get("latency_us")),
        ("from sent", sent, total.get("service_us")),
        ("first response", "of streams, from due", total.get("first_response_us")),
        ("between responses", "of streams", total.get("between_responses_us")),
        ("failures", "how long they took, from due", total.get("failed_us")),
        ("sent late", "from due to sent", None if closed else total.get("lag_us")),
        ("generator's lag", "how late it woke up", client.get("generator_lag_us")),
    ):
        if said:
            yield Row(name=name, text=text, cells=[_cell(said, key) for key in (*QUANTILES, "max")])


def _cell(said: Mapping[str, Any], key: str) -> tuple[str, str]:
    ci = said["ci"].get(key)
    if not ci:
        return milliseconds(said[key] / 1000), ""
    bounds = [None if each is None else each / 1000 for each in ci]
    return milliseconds(said[key] / 1000), span(bounds, milliseconds)


def seconds(measurement: Measurement) -> list[Span]:
    """Return the rows of the table behind the charts over time."""
    return spans(measurement.client)


# ---- the server ----

PARTS = {
    "queue": "waiting in the queue",
    "compute_input": "input copied",
    "compute_infer": "computing",
    "compute_output": "output copied",
}


def stations(measurement: Measurement) -> Iterator[Station]:
    """Yield the models that requests passed: what was asked, below it its steps in order."""
    server = measurement.server
    if server is None:
        return
    steps = measurement.bottleneck.steps if measurement.bottleneck else ()
    limits = {step.model: step for step in steps}
    longest = max((_inside_ms(model) for model in server.models), default=0) or 1.0
    for model, depth in passed(measurement):
        limit = limits.get(model.name)
        yield Station(
            model=model,
            depth=depth,
            parts=list(_parts(model)),
            width=100 * _inside_ms(model) / longest,
            time=milliseconds(_inside_ms(model)),
            limit=limit,
            tone=_heat(limit.utilisation) if limit else "plain",
        )


def _inside_ms(model: ModelTimes) -> float:
    """Return a request's time in a model: an ensemble's from end to end."""
    if model.steps:
        return model.total_ms
    return float(sum(getattr(model, f"{key}_ms") for key in PARTS))


def _parts(model: ModelTimes) -> Iterator[Part]:
    if model.steps:
        yield Part(label="all steps", tone="whole", width=100)
        return
    for key, name in PARTS.items():
        time = getattr(model, f"{key}_ms")
        if time:
            label = f"{name}: {milliseconds(time)}"
            yield Part(label=label, tone=key, width=100 * time / _inside_ms(model))


def _heat(utilisation: float) -> str:
    return "bad" if utilisation >= HOT else "warn" if utilisation >= WARM else "good"


# ---- how it was measured ----


def facts(measurement: Measurement) -> Iterator[tuple[str, str]]:
    """Yield what was done, as (name, value)."""
    load, client = measurement.load, measurement.client
    models = (
        name if len(load.models) == 1 else f"{name} ({weight:g})"
        for name, weight in load.models.items()
    )
    yield "Models", ", ".join(models)
    yield "Protocol", load.protocol
    if client.get("address"):
        yield "Server", str(client["address"])
    loop = "closed loop" if load.users is not None else "open loop"
    yield "Arrivals", f"{load.arrivals} ({loop})"
    yield "Measured", f"{number(measurement.window_s)} s after {number(load.warmup_s)} s of warm-up"
    yield "Started", measurement.started_at
    yield "Seed", str(load.seed)
    yield "Generator", _generator(measurement)
    if measurement.saturated is not None:
        yield "Due while all places were taken", share(measurement.saturated)
    if client.get("stability"):
        yield "Stability", str(client["stability"]["message"])
    if measurement.server is not None:
        yield "Server's counters", _counters(measurement)


def _generator(measurement: Measurement) -> str:
    workers = measurement.client.get("workers", ())
    if not workers:
        return f"{measurement.load.processes} processes"
    busiest = max(worker["cpu"] for worker in workers)
    lost = sum(worker["state"] == "lost" for worker in workers)
    count = f"{len(workers)} worker{'s' if len(workers) > 1 else ''}"
    return f"{count}, the busiest used {share(busiest)} of a core" + (
        f"; {lost} lost" if lost else ""
    )


def _counters(measurement: Measurement) -> str:
    server = measurement.server
    assert server is not None
    if server.cpu_cores is None or server.cores is None:
        return server.source
    used = f"{server.source}; it used {number(server.cpu_cores)} of {server.cores} cores"
    return f"{used}, {_memory(*server.memory_bytes)}" if server.memory_bytes else used


def _memory(before: int, after: int) -> str:
    grown = (after - before) / 2**20
    more = f", {grown:,.0f} MiB more than at the beginning" if grown >= 1 else ""
    return f"{after / 2**20:,.0f} MiB of memory{more}"


def environment(measurement: Measurement) -> dict[str, str]:
    """Return where it was measured, and with what."""
    versions = measurement.client.get("versions", {})
    return {**measurement.environment, **{key: str(value) for key, value in versions.items()}}
