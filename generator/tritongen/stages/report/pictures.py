"""Which charts a measurement has, and what they show."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tritongen.records.measurement import Latency, Measurement, ModelTimes
from tritongen.stages.report import histogram
from tritongen.stages.report.axis import (
    Axis,
    Write,
    linear,
    logarithmic,
    milliseconds,
    nines,
    number,
    rate,
    seconds,
    share,
    whole,
)
from tritongen.stages.report.chart import Bar, Frame, Line, Mark, Whisker, columns, lines
from tritongen.stages.report.series import Span, passed, spans

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
WIDE = 12
"""Where the worst latency is so many times the least, steps of a linear axis hide most of it."""


@dataclass(frozen=True)
class Picture:
    """A chart with its heading and one sentence that says how to read it."""

    title: str
    text: str
    chart: Markup


# ---- over time ----


def over_time(measurement: Measurement) -> Iterator[Picture]:
    """Yield the charts over the seconds of the run; none if there are no seconds."""
    told = spans(measurement.client)
    if not told:
        return
    yield _throughput(measurement, told)
    yield _latency(measurement, told)
    yield _failures(told)
    yield _in_flight(told)


def _frame(
    title: str,
    text: str,
    told: Sequence[Span],
    y: Axis,
    *,
    limits: Sequence[Mark] = (),
    note: Callable[[Span], str],
) -> Frame:
    begin, end = told[0].begin_s, told[-1].begin_s + told[-1].length_s
    return Frame(
        title=title,
        text=text,
        x=whole(begin, end, seconds),
        y=y,
        shaded=0 if begin < 0 else None,
        limits=limits,
        notes=[(span.middle_s, f"{_when(span)}: {note(span)}") for span in told],
    )


def _when(span: Span) -> str:
    if span.length_s == 1:
        return f"second {span.begin_s:g}"
    return f"{span.begin_s:g} to {span.begin_s + span.length_s:g} s"


def _points(told: Sequence[Span], key: str) -> list[tuple[float, float | None]]:
    return [(span.middle_s, getattr(span, key)) for span in told]


def _throughput(measurement: Measurement, told: Sequence[Span]) -> Picture:
    title, text = (
        "Throughput",
        "Requests that were due in each second, and how many of those were answered.",
    )
    frame = _frame(
        title,
        text,
        told,
        linear(0, max(max(span.offered, span.answered) for span in told), rate),
        limits=_limits(measurement, "rps", "≥", rate),
        note=lambda span: f"{number(span.offered)} due, {number(span.answered)} answered per s",
    )
    due = Line(name="due", tone="muted", points=_points(told, "offered"), dashed=True)
    answered = Line(name="answered", tone="first", points=_points(told, "answered"))
    return Picture(title, text, lines(frame, due, answered))


def _latency(measurement: Measurement, told: Sequence[Span]) -> Picture:
    keys = ("p50", "p95", "p99")
    limits = _limits(measurement, "ms", "≤", milliseconds)
    known = [
        value for span in told for value in (span.p50, span.p95, span.p99) if value is not None
    ]
    bounds = [*known, *(mark.at for mark in limits)]
    y = _times(bounds)
    title = "Latency"
    text = "How long callers waited, from the time their request was due."
    if y.low > 0:
        text += " Logarithmic."
    frame = _frame(title, text, told, y, limits=limits, note=_waited)
    tones = zip(keys, ("low", "middle", "high"), strict=True)
    each = [Line(name=key, tone=tone, points=_points(told, key)) for key, tone in tones]
    return Picture(title, text, lines(frame, *each))


def _times(values: Sequence[float]) -> Axis:
    """Return an axis of milliseconds, logarithmic where values differ by far."""
    above = [value for value in values if value > 0]
    if above and max(above) > WIDE * min(above):
        return logarithmic(min(above), max(above), milliseconds)
    return linear(0, max(values, default=1), milliseconds)


def _waited(span: Span) -> str:
    if span.p50 is None:
        return "no answer"
    percentiles = (("p50", span.p50), ("p95", span.p95), ("p99", span.p99))
    said = ", ".join(f"{name} {milliseconds(value or 0)}" for name, value in percentiles)
    return said if span.length_s == 1 else f"{said} in the worst second"


def _limits(measurement: Measurement, unit: str, sign: str, write: Write) -> list[Mark]:
    """Return the objectives for what is charted: all requests together."""
    found = []
    for verdict in measurement.verdicts:
        metric, _, its_unit = verdict.metric.rpartition("_")
        if its_unit == unit and (verdict.requests == "all" or len(measurement.requests) == 1):
            name = f"{_named(metric)} {sign} {write(verdict.limit)}"
            tone = "good" if verdict.kept else "bad"
            found.append(Mark(at=verdict.limit, name=name, tone=tone))
    return found


def _named(metric: str) -> str:
    return "p99.9" if metric == "p999" else metric


def _failures(told: Sequence[Span]) -> Picture:
    title, text = "Failures", "Requests that failed, by the second in which they were due."
    most = max(span.failed for span in told)
    frame = _frame(
        title,
        text if most else "No request failed.",
        told,
        linear(0, max(most, 1), rate, ticks=4 if most else 1),
        note=lambda span: f"{number(span.failed)} failed per s",
    )
    line = Line(name="failed", tone="bad", points=_points(told, "failed"))
    return Picture(title, frame.text, lines(frame, line))


def _in_flight(told: Sequence[Span]) -> Picture:
    title, text = "In flight", "Requests on their way at the end of each second."
    frame = _frame(
        title,
        text,
        told,
        linear(0, max(1, *(span.in_flight for span in told)), number, ticks=4),
        note=lambda span: f"{span.in_flight} on their way",
    )
    line = Line(name="in flight", tone="fourth", points=_points(told, "in_flight"))
    return Picture(title, text, lines(frame, line))


# ---- the distribution ----


def distribution(measurement: Measurement) -> Iterator[Picture]:
    """Yield the percentile curve and the histogram; none if nothing was answered."""
    total = measurement.client.get("total", {})
    said = {key: total.get(key) for key in ("latency_us", "service_us")}
    values = {key: histogram.counted(each["histogram"]) for key, each in said.items() if each}
    if "latency_us" in values:
        yield _curve(measurement, values)
        yield _histogram(measurement, values["latency_us"])


def _curve(measurement: Measurement, values: Mapping[str, histogram.Counted]) -> Picture:
    count = sum(n for _, n in values["latency_us"])
    ends = [each[i][0] for each in values.values() for i in (0, -1)]
    title = "Percentiles"
    text = "Each step to the right is ten times rarer. The bars are 95% confidence intervals."
    frame = Frame(title=title, text=text, x=nines(count), y=_times(ends))
    due = Line(name="from due", tone="high", points=histogram.curve(values["latency_us"]))
    each = [due]
    if "service_us" in values and measurement.load.users is None:
        points = histogram.curve(values["service_us"])
        each.append(Line(name="from sent", tone="muted", points=points, dashed=True))
    whiskers = list(_whiskers(measurement.total.latency))
    return Picture(title, text, lines(frame, *each, whiskers=whiskers))


def _whiskers(latency: Latency | None) -> Iterator[Whisker]:
    for name, (low, high) in (latency.ci_ms if latency else {}).items():
        yield Whisker(at=PERCENTILES[name], low=low, high=high, tone="high")


def _histogram(measurement: Measurement, values: histogram.Counted) -> Picture:
    found = histogram.columns(values)
    total = sum(column.count for column in found)
    x = logarithmic(found[0].low, found[-1].high, milliseconds)
    title, text = "Histogram", "How many requests took how long, from due. Logarithmic."
    frame = Frame(
        title=title, text=text, x=x, y=linear(0, max(each.count for each in found), number)
    )
    bars = [
        Bar(
            low=each.low,
            high=each.high,
            height=each.count,
            note=f"{milliseconds(each.low)} to {milliseconds(each.high)}: {number(each.count)} "
            f"({share(each.count / total)})",
        )
        for each in found
    ]
    latency = measurement.total.latency
    marks = [] if latency is None else [Mark(at=latency.p50_ms, name="p50")]
    if latency is not None:
        marks += [Mark(at=latency.p95_ms, name="p95"), Mark(at=latency.p99_ms, name="p99")]
    return Picture(title, text, columns(frame, bars, marks))


# ---- the server ----


def batches(measurement: Measurement) -> Iterator[Picture]:
    """Yield the batch sizes of each model that can batch and was executed."""
    for model, _ in passed(measurement):
        if model.max_batch_size > 1 and model.batches and not model.steps:
            yield _batches(model)


def _batches(model: ModelTimes) -> Picture:
    executions = sum(model.batches.values())
    mean = model.rows / max(model.executions, 1)
    text = f"Rows in each execution: {number(mean)} on average, {model.max_batch_size} at most."
    # What never came near is left out: the sentence says how many there could be.
    top = min(max(2 * max(model.batches), 8), max(model.max_batch_size, *model.batches))
    frame = Frame(
        title=f"Batch sizes of {model.name}",
        text=text,
        x=_sizes(top),
        y=linear(0, max(model.batches.values()) / executions, share),
    )
    bars = [
        Bar(
            low=size - 0.4,
            high=size + 0.4,
            height=n / executions,
            note=f"{size} rows: {number(n)} executions ({share(n / executions)})",
        )
        for size, n in model.batches.items()
    ]
    return Picture(model.name, text, columns(frame, bars))


def _sizes(top: int) -> Axis:
    """Return an axis for whole numbers from 1: nothing stands between two of them."""
    step = next(step for step in (1, 2, 4, 8, 16, 32, 64, top) if top / step <= 8)
    shown = sorted({1, *range(step, top + 1, step)})
    return Axis(
        low=0.4,
        high=top + 0.6,
        ticks=tuple((size, number(size)) for size in shown),
        write=number,
    )
