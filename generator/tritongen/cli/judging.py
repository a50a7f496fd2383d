"""What makes a measurement a failure, in words."""

from collections.abc import Iterator

from tritongen.cli.compare import number
from tritongen.errors import EngineError, MeasureError
from tritongen.formats import junit
from tritongen.records.measurement import Measurement, Verdict


def all_checks(measurement: Measurement) -> list[junit.Check]:
    """Return the objectives, and what holds of every load test, each with what is wrong."""
    return [*map(check, measurement.verdicts), *other_checks(measurement)]


def refuse(measurement: Measurement) -> None:
    """Raise what makes a measurement a failure, if anything does."""
    if measurement.partial == "the server stopped answering":
        raise EngineError(
            "the server stopped answering during the load test",
            why=f"{measurement.window_s:.0f} s were measured before",
            fix="see its log: tritongen logs",
        )
    problems = [check.failure for check in other_checks(measurement) if check.failure]
    problems += [f for v in measurement.verdicts if (f := check(v).failure)]
    if not problems:
        return
    limit = measurement.bottleneck.sentence if measurement.bottleneck else ""
    untrusted = bool(measurement.distrust or measurement.partial)
    raise MeasureError(
        f"the load test {measurement.load.name} {'cannot be trusted' if untrusted else 'failed'}",
        why="\n".join(problems),
        fix="run it where fewer other things run, or with more --processes" if untrusted else limit,
    )


def check(verdict: Verdict) -> junit.Check:
    """Return an objective as a check, with what was found if it was missed."""
    found = "nothing" if verdict.found is None else number(verdict.metric, verdict.found)
    limit = number(verdict.metric, verdict.limit)
    text = f"{verdict.metric} of {verdict.requests} is {found}, the objective is {limit}"
    name = f"{verdict.requests} {verdict.metric}"
    return junit.Check(name, "" if verdict.kept else text)


def other_checks(measurement: Measurement) -> Iterator[junit.Check]:
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
    if failed and total.unsent:
        failed += f"; {total.unsent} waited for earlier ones to the end: the rate is too high"
    if failed and measurement.failures:
        first = measurement.failures[0]
        failed += f"; most often: {first.kind} {first.code} {first.message}".rstrip()
    yield junit.Check("was answered", failed)
