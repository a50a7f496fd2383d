"""Objectives held against figures, and the file that CI reads of it."""

from xml.etree.ElementTree import fromstring

from tests.unit.measure.made import figures, latency

from tritongen.formats import junit
from tritongen.records.loadtest import Slo
from tritongen.stages.measure.judge import verdicts


def slo(**said: str) -> Slo:
    return Slo.model_validate(said)


def test_each_objective_is_held_against_its_own_requests() -> None:
    total = figures(latency=latency(10.0))
    slow = figures(latency=latency(30.0))
    said = {"m": slo(p50="20ms"), "": slo(p99="50ms")}
    found = verdicts(said, total, {"m": slow})
    assert [(v.requests, v.metric, v.limit, v.found, v.kept) for v in found] == [
        ("m", "p50_ms", 20.0, 30.0, False),
        ("all", "p99_ms", 50.0, 40.0, True),
    ]


def test_throughput_is_kept_from_its_limit_on_and_errors_up_to_it() -> None:
    seen = figures(rate_rps=100.0, error_rate=0.001)
    kept = verdicts({"": slo(throughput="100/s", error_rate="0.1%")}, seen, {})
    missed = verdicts({"": slo(throughput="101/s", error_rate="0.05%")}, seen, {})
    assert [each.kept for each in kept] == [True, True]
    assert [each.kept for each in missed] == [False, False]


def test_without_an_answer_no_latency_is_kept() -> None:
    (found,) = verdicts({"": slo(p99="1h")}, figures(answered=0, latency=None), {})
    assert (found.found, found.kept) == (None, False)


def test_junit_holds_any_text_and_counts_what_failed() -> None:
    checks = [junit.Check("all p99_ms"), junit.Check("<m> & co", "p99 is \x1b[31m 7 > 5\nmore")]
    suite = fromstring(junit.write("load smoke", checks, seconds=3.0))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("2", "1", "3.000")
    good, bad = suite
    assert good.find("failure") is None
    assert bad.get("name") == "<m> & co"
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "p99 is \ufffd[31m 7 > 5"
