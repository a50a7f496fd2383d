"""``tritongen load --find-max``: the highest rate that keeps the objectives."""

import time
from dataclasses import asdict, replace

from rich.text import Text

from tritongen.cli.judging import check, refuse
from tritongen.cli.load import Asked
from tritongen.cli.output import console, messages, show_json
from tritongen.errors import MeasureError, SpecError
from tritongen.records.loadtest import Arrivals, Paced, PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.stages.measure import Measuring, Probe, Search, measure, search

SEARCH_S = 170.0
"""The search's time; with the start of a server it ends within three minutes."""
WINDOW_S = 5.0
WARMUP_S = 1.0
AROUND_S = 2.5
"""What starting and ending the load program takes around a window."""
LATE = "; the load program itself was late"


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
    late = refuse_untrusted(seen, rate)
    missed = [each.failure for each in map(check, seen.verdicts) if each.failure]
    missed += list(seen.distrust) if seen.saturated else []
    said = missed[0] if missed else f"p99 {seen.p99_ms or 0:.1f} ms"
    return Probe(rate_rps=rate, held=not missed, seen=f"{said}{LATE if late and missed else ''}")


def refuse_untrusted(seen: Measurement, rate: float) -> bool:
    """Raise if the load program set the limit, not the server; return whether it was late.

    A late program sees longer latencies than there were: what held nevertheless, holds.
    """
    if seen.partial:
        refuse(seen)
    reasons = {each["reason"] for each in seen.client["distrust"]}
    if reasons - {"lag"}:
        raise MeasureError(
            f"the load program can't offer {rate:.0f}/s, so the server's limit is not known",
            why="\n".join(seen.distrust),
            fix="give it more cores: --processes, or another machine",
        )
    return bool(reasons)


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
    early = f"; a window failed at {low:.1f}/s" if low < found.low_rps else ""
    late = f"; one held at {high:.1f}/s" if high and high > found.high_rps else ""
    return (
        f"{found.low_rps:.1f}/s keep the objectives, {found.high_rps:.1f}/s do not "
        f"({windows}{early}{late}{sure})"
    )
