"""What a load test shows and refuses."""

import pytest
from tests.unit.measure.made import figures, latency, load, measurement, server, times

from tritongen.cli.judging import all_checks, refuse
from tritongen.cli.loadview import View, show_measurement
from tritongen.cli.output import console
from tritongen.cli.saturation import search_in_words
from tritongen.errors import EngineError, MeasureError
from tritongen.records.loadtest import Slo
from tritongen.records.measurement import Failures
from tritongen.stages.measure import Live, Probe, Search
from tritongen.stages.measure.bottleneck import bottleneck
from tritongen.stages.measure.judge import verdicts

LOST = Failures(kind="grpc", code="UNAVAILABLE", message="queue is full", count=3)
SLO = {"whole": Slo.model_validate({"p99": "30ms", "error_rate": "1%"})}


def test_the_summary_shows_both_sides_the_objectives_and_the_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 200)
    total = figures(error_rate=0.003, failures=(LOST,))
    seen = server(times("early"), times("late", busy_s=9.8, queue_ms=12.0))
    judged = verdicts(SLO, total, {"whole": total})
    limit = bottleneck(load(), total, seen)
    show_measurement(measurement(total, server=seen, bottleneck=limit, verdicts=judged))
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "whole 1000 100.0 10.0 ms 30.0 ms 40.0 ms 50.0 ms 0.30%" in lines
    assert "late 98% 102/s 12.00 ms 0.00 ms 1.00 ms 1.0 6% -" in lines
    assert "3 x grpc UNAVAILABLE: queue is full" in lines
    assert "missed whole p99_ms 40.00 ms (30.00 ms)" in lines
    assert "kept whole error_rate 0.30% (1.00%)" in lines
    assert limit is not None
    assert limit.sentence in lines


def test_a_run_that_held_is_no_failure() -> None:
    refuse(measurement(verdicts=verdicts({"": Slo.model_validate({"p99": "1s"})}, figures(), {})))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"verdicts": verdicts(SLO, figures(), {})}, "p99_ms of whole is 40.00 ms, the objective"),
        ({"distrust": ("it woke up late",)}, "it woke up late"),
        ({"partial": "workers lost"}, "it ended early: workers lost"),
        (
            {"total": figures(failed=3, offered=1003, failures=(LOST,))},
            "3 of 1003 requests failed; most often: grpc UNAVAILABLE queue is full",
        ),
        ({"total": figures(0, offered=9, failed=9)}, "none of 9 requests was answered"),
        (
            {"total": figures(0, offered=9, unsent=9)},
            "none of 9 requests was answered; 9 waited for earlier ones to the end: the rate is",
        ),
    ],
)
def test_what_makes_a_run_a_failure_is_said(said: dict, told: str) -> None:
    seen = measurement(**said)
    with pytest.raises(MeasureError) as refused:
        refuse(seen)
    assert told in refused.value.why
    assert any(told in check.failure for check in all_checks(seen))


def test_failures_that_an_objective_allows_are_none() -> None:
    total = figures(failed=3, offered=1003, error_rate=0.003)
    refuse(measurement(total, verdicts=verdicts({"": SLO["whole"]}, total, {})[1:]))


def test_a_server_that_went_away_is_the_engine_s_failure() -> None:
    with pytest.raises(EngineError):
        refuse(measurement(partial="the server stopped answering"))


def test_the_live_picture_says_warm_up_and_shows_only_the_last_seconds() -> None:
    view = View("steady on h:1")
    for second in range(-2, 20):
        line = {
            "second": second, "offered": 10, "answered": 9, "failed": 1, "in_flight": 3,
            "p50_us": 1500, "p95_us": None, "p99_us": 9000, "progress": (second + 3) / 22,
        }  # fmt: skip
        view.show(Live(line=line, queue_share=0.25 if second else None))
    view.close()
    with console.capture() as shown:
        console.print(view._picture(view.lines[0]))
        console.print(view._picture(view.lines[-1]))
    first, last = shown.get().split("steady on h:1")[1:]
    assert "warming up" in first
    assert "100%" in last
    assert "1.5 ms" in last
    assert "25%" in last
    seconds = [line.split()[0] for line in last.splitlines() if line.startswith("    ")]
    assert seconds == [str(second) for second in range(12, 20)]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            Search(
                low_rps=100,
                high_rps=105,
                complete=True,
                probes=tuple(Probe(rate_rps=r, held=h, seen="") for r, h in
                             [(100, True), (100, True), (105, False), (105, False)]),
            ),
            "100.0/s keep the objectives, 105.0/s do not (4 windows of 5 s)",
        ),
        (
            Search(low_rps=100, high_rps=None, complete=False,
                   probes=(Probe(rate_rps=100, held=True, seen=""),) * 2),
            "at least 100.0/s keep the objectives (2 windows of 5 s; no rate failed)",
        ),
        (
            Search(
                low_rps=100,
                high_rps=140,
                complete=False,
                probes=(Probe(rate_rps=90, held=False, seen=""),
                        Probe(rate_rps=150, held=True, seen="")),
            ),
            "100.0/s keep the objectives, 140.0/s do not (2 windows of 5 s; a window failed at "
            "90.0/s; one held at 150.0/s; there was no time to come nearer)",
        ),
    ],
)  # fmt: skip
def test_a_search_is_told_with_its_interval(found: Search, told: str) -> None:
    assert search_in_words(found) == told


def test_latencies_are_those_from_when_requests_were_due() -> None:
    seen = measurement(figures(latency=latency(80.0), service=latency(10.0)))
    assert (seen.p50_ms, seen.p99_ms) == (80.0, 320.0)
