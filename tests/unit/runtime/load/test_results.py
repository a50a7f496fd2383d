"""What results.json says of what was counted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from load_answers import Failure
from load_histograms import Counts
from load_results import Ran, Worker, document, interval, live, write
from load_scenario import Scenario
from load_tally import Measured, Recorder
from tests.unit.runtime.load.test_run import kind, scenario


def measure(
    said: Scenario, seconds: Sequence[tuple[int, float]], lag_us: int = 10, **ran: Any
) -> dict[str, Any]:
    """Return the results of (answers, latency in seconds) for each second, from two workers."""
    measured = Measured(said.duration_s, settled_s=2)
    workers = {name: Recorder() for name in ("w0", "w1")}
    for second, (count, latency) in enumerate(seconds, -int(said.warmup_s)):
        for name, recorder in workers.items():
            for i in range(count // 2):
                due = second + (i + 0.5) / count
                recorder.sent("k", due, due + 0.001, waited=False)
                recorder.answered("k", due, due + 0.001, due + latency)
            recorder.lag.add(lag_us)
            measured.add(name, json.loads(json.dumps(recorder.take())), second + 1.01)
    said_of_run: dict[str, Any] = {
        "started_at": "",
        "finished_at": "",
        "measured_s": said.duration_s,
        "partial": None,
        "workers": [Worker(id=name) for name in workers],
        "versions": {},
        **ran,
    }
    return document(said, measured, Ran(**said_of_run))


def steady(duration: float, **said: Any) -> Scenario:
    requests = (kind().request,)
    return scenario("constant", (100, 100, 1), duration_s=duration, requests=requests, **said)


def test_the_warmup_is_cut_and_workers_are_added_up() -> None:
    results = measure(steady(12, warmup_s=2), [(40, 9.0)] * 2 + [(100, 0.01)] * 12)
    total = results["total"]

    assert (total["offered"], total["answered"], total["rate"]) == (1200, 1200, 100)
    assert total["latency_us"]["p50"] == pytest.approx(10_000, rel=1e-3)
    assert total["service_us"]["p50"] == pytest.approx(9_000, rel=1e-3)
    assert total["lag_us"]["max"] == 1000
    assert results["requests"]["k"] == total
    assert [line["second"] for line in results["seconds"]] == list(range(-2, 12))
    assert [line["offered"] for line in results["seconds"]] == [40] * 2 + [100] * 12
    assert results["seconds"][5]["requests"]["k"]["p99_us"] == pytest.approx(10_000, rel=1e-3)
    assert results["trustworthy"]
    assert total["rate_ci"] == [100, 100]


def test_a_rate_or_latency_that_moves_is_not_stable() -> None:
    stability = {
        "steady": measure(steady(20), [(100, 0.01)] * 20)["stability"],
        "slower": measure(steady(20), [(100, 0.01)] * 10 + [(100, 0.02)] * 10)["stability"],
        "fewer": measure(steady(20), [(100, 0.01)] * 10 + [(80, 0.01)] * 10)["stability"],
        "noisy": measure(steady(20), [(100, 0.01), (160, 0.01)] * 9 + [(180, 0.01)] * 2)[
            "stability"
        ],
        "short": measure(steady(4), [(100, 0.01)] * 4)["stability"],
    }

    assert {name: each["stable"] for name, each in stability.items()} == {
        "steady": True,
        "slower": False,
        "fewer": False,
        "noisy": True,
        "short": None,
    }
    assert "median of latency moved from 10 to 20 ms" in stability["slower"]["message"]
    assert [w["from_s"] for w in stability["steady"]["windows"]] == list(range(0, 20, 2))


def test_results_that_can_not_be_trusted_say_why() -> None:
    late = measure(steady(5), [(100, 0.01)] * 5, lag_us=5000)
    busy = measure(
        steady(5),
        [(100, 0.01)] * 5,
        workers=[Worker(id="a", cpu=0.97), Worker(id="b", state="lost", told_s=3)],
    )

    assert not late["trustworthy"]
    assert [each["reason"] for each in late["distrust"]] == ["lag"]
    assert "5.0 ms late" in late["distrust"][0]["message"]
    assert [each["reason"] for each in busy["distrust"]] == ["cpu", "worker-lost"]


def test_requests_add_up_also_where_the_run_was_cut_short() -> None:
    measured, recorder = Measured(10, settled_s=2), Recorder()
    for i in range(6):
        recorder.sent("k", 0.1 * i, 0.1 * i, waited=i > 3)
    recorder.answered("k", 0.0, 0.0, 0.3)
    recorder.failed("k", 0.1, 0.4, Failure("timeout", "", "slow"))
    recorder.unsent("k", 0.9)
    measured.add("w", recorder.take(), 1.01)
    ran = Ran(
        started_at="",
        finished_at="",
        measured_s=1,
        partial="interrupted",
        workers=[],
        versions={},
    )
    results = document(steady(10), measured, ran)
    total = results["total"]

    names = ("offered", "sent", "answered", "failed", "unsent", "unfinished")
    assert [total[name] for name in names] == [7, 6, 1, 1, 1, 4]
    assert total["error_rate"] == 2 / 7
    assert total["failures"] == [{"kind": "timeout", "code": "", "message": "slow", "count": 1}]
    assert results["saturated"] == 3 / 7  # two were sent late, one not at all


def test_hours_do_not_fill_the_memory() -> None:
    measured, recorder = Measured(100, settled_s=2), Recorder()
    for second in range(100):
        recorder.sent("k", second, second, waited=False)
        recorder.answered("k", second, second, second + 0.5)
        measured.add("w", recorder.take(), second + 1.01)

    assert sum(bool(second.tallies) for second in measured.seconds.values()) <= 4
    assert measured.lines([7])[0]["p50_us"] == pytest.approx(500_000, rel=1e-3)


def test_only_so_many_messages_are_told_apart() -> None:
    recorder = Recorder()
    for i in range(100):
        recorder.sent("k", 0, 0, waited=False)
        recorder.failed("k", 0, 1, Failure("http", "500", f"number {i}"))
    ((_, _, tally),) = recorder.take()["tallies"]

    assert len(tally["failures"]) == 51
    assert ["http", "500", "other messages", 50] in tally["failures"]


def test_the_interval_of_a_mean_is_students() -> None:
    low, high = interval([9, 11] * 5) or [0, 0]

    assert (low, high) == pytest.approx((10 - 0.7538, 10 + 0.7538), abs=2e-3)
    assert interval([3]) is None


def test_a_line_of_the_feed_is_one_line() -> None:
    line = live({"second": 1, "offered": 2, "requests": {}}, 0.5, 3)

    assert line.endswith("}\n")
    assert json.loads(line) == {"second": 1, "offered": 2, "progress": 0.5, "workers": 3}


def test_results_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write(path, {"a": 1})
    with pytest.raises(TypeError):
        write(path, {"a": Counts()})

    assert json.loads(path.read_text()) == {"a": 1}
    with pytest.raises(OSError, match="full"):
        write(Path("/dev/full/results.json"), {})
