"""What Prometheus is told of load tests, read back by its own tool."""

import shutil
import subprocess
from itertools import pairwise
from typing import Any

import pytest
from load_answers import Failure
from load_histograms import Counts
from load_metrics import BOUNDS_S, Metrics, Now
from load_tally import Recorder


def told(*latencies_s: float, name: str = "m", due: float = 1.0, in_flight: int = 0) -> Any:
    recorder = Recorder()
    for latency in latencies_s:
        recorder.sent(name, due, due, False)
        recorder.answered(name, due, due, due + latency)
    recorder.in_flight = in_flight
    return {"cpu": 0.5, "counted": recorder.take()}


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_what_workers_tell_is_added_up_with_the_warm_up_apart() -> None:
    metrics = Metrics({"steady": ["m"]})
    metrics.count("steady", "a", told(0.01, 0.02, in_flight=3))
    metrics.count("steady", "b", told(0.03, in_flight=4))
    metrics.count("steady", "b", told(0.5, due=-0.5, in_flight=4))
    found = samples(metrics.text(Now(loadtest="steady", users=8, workers=2)))
    measured = 'loadtest="steady",request="m",phase="measured"'
    assert found[f"loadtest_requests_offered_total{{{measured}}}"] == 3
    assert found[f"loadtest_requests_answered_total{{{measured}}}"] == 3
    assert found[f"loadtest_latency_seconds_count{{{measured}}}"] == 3
    assert found[f"loadtest_latency_seconds_sum{{{measured}}}"] == pytest.approx(0.06, rel=0.001)
    assert found[f'loadtest_latency_seconds_bucket{{{measured},le="0.015"}}'] == 1
    assert found[f'loadtest_latency_seconds_bucket{{{measured},le="0.02"}}'] == 2
    warmup = measured.replace("measured", "warmup")
    assert found[f"loadtest_requests_offered_total{{{warmup}}}"] == 1
    assert found["loadtest_in_flight"] == 7
    assert found['loadtest_running{loadtest="steady"}'] == 1


def test_counters_go_on_after_a_run_and_gauges_do_not() -> None:
    metrics = Metrics({"steady": ["m"], "spike": ["m"]})
    metrics.count("steady", "a", told(0.01, in_flight=3))
    metrics.end()
    found = samples(metrics.text(Now()))
    assert found['loadtest_running{loadtest="steady"}'] == 0
    assert found["loadtest_in_flight"] == 0
    metrics.count("steady", "a", told(0.01))
    labels = 'loadtest="steady",request="m",phase="measured"'
    assert samples(metrics.text(Now()))[f"loadtest_requests_answered_total{{{labels}}}"] == 2


def test_counters_begin_at_0_before_anything_was_sent() -> None:
    found = samples(Metrics({"steady": ["m"]}).text(Now()))
    labels = 'loadtest="steady",request="m",phase="measured"'
    assert found[f"loadtest_requests_offered_total{{{labels}}}"] == 0
    assert found[f'loadtest_latency_seconds_bucket{{{labels},le="+Inf"}}'] == 0


def test_failures_are_told_apart_by_kind_and_code() -> None:
    recorder = Recorder()
    for message in ("full", "too full"):
        recorder.sent("m", 0, 0, False)
        recorder.failed("m", 0, 0.1, Failure("http", "503", message))
    metrics = Metrics({"steady": ["m"]})
    metrics.count("steady", "a", {"cpu": 0.1, "counted": recorder.take()})
    labels = 'loadtest="steady",request="m",phase="measured",kind="http",code="503"'
    assert samples(metrics.text(Now()))[f"loadtest_requests_failed_total{{{labels}}}"] == 2


def test_buckets_hold_what_is_no_more_than_their_bound() -> None:
    counts = Counts()
    for value in (0, 999, 1000, 1001, 70_000_000):
        counts.add(value)
    assert counts.until([0, 999, 1000, 1001, 69_000_000, 70_000_000]) == [1, 2, 3, 4, 4, 5]
    assert counts.sum() == pytest.approx(70_003_000, rel=0.001)


def test_bounds_are_close_enough_for_quantiles() -> None:
    assert BOUNDS_S[0] == 0.0005
    assert BOUNDS_S[-1] == 70
    steps = [after / before for before, after in pairwise(BOUNDS_S)]
    assert 1.3 < min(steps) <= max(steps) < 1.7


def test_any_name_can_be_told() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("NOT TESTED: no promtool (Debian: apt-get install prometheus)")
    metrics = Metrics({'a"b\\c\nd': []})
    metrics.count('a"b\\c\nd', "w", told(0.01, name="x\ny"))
    text = metrics.text(Now(loadtest="no", users=1, workers=1))
    program = ["promtool", "check", "metrics"]
    ran = subprocess.run(program, input=text, text=True, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
