"""``tritongen load`` and ``compare`` against the real server."""

import json
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest
from tests.integration.load_cli.conftest import Project

pytestmark = pytest.mark.server


def test_a_load_test_is_run_saved_judged_and_joined_with_the_server_s_side(
    served: Project,
) -> None:
    done = served.load("quiet", "--junit", "junit.xml", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said == served.result("quiet")
    total = said["total"]
    assert total["offered"] == total["answered"] == pytest.approx(60, abs=2)
    assert total["failed"] == 0
    (verdict,) = said["verdicts"]
    assert (verdict["metric"], verdict["kept"]) == ("p99_ms", True)
    (model,) = (each for each in said["server"]["models"] if each["name"] == "add")
    # The warm-up's 30 requests are in neither; the server is looked at twice a second.
    assert 25 <= model["requests"] <= 62
    assert model["compute_infer_ms"] > 2
    assert said["server"]["cpu_cores"] > 0
    (step,) = said["bottleneck"]["steps"]
    assert step["model"] == "add"
    assert 0.03 < step["utilisation"] < 0.5
    assert said["bottleneck"]["limit"] in {"nothing", "cpu"}
    assert {"triton", "machine", "locust", "python"} <= said["environment"].keys()
    suite = parse(served.folder / "junit.xml").getroot()[0]
    assert suite.get("failures") == "0"


def test_over_http_the_steps_of_an_ensemble_are_told_from_what_is_outside(
    served: Project,
) -> None:
    done = served.load("users")
    assert done.code == 0, done.err
    assert "add" in done.out
    said = served.result("users")
    assert said["load"]["protocol"] == "http"
    assert [each["model"] for each in said["bottleneck"]["steps"]] == ["add"]
    assert said["bottleneck"]["client_ms"] > 0
    assert said["bottleneck"]["sentence"] in done.out.replace("\n", " ")
    add, twice = (
        next(each for each in said["server"]["models"] if each["name"] == name)
        for name in ("add", "twice")
    )
    assert add["rows"] == pytest.approx(2 * twice["rows"], rel=0.1)


def test_a_missed_objective_ends_with_7_and_says_which(served: Project) -> None:
    done = served.load("strict", "--junit", "strict.xml")
    assert done.code == 7
    assert "the load test strict failed" in done.err
    assert "p50_ms of all is" in done.err
    assert "missed" in done.out
    suite = parse(served.folder / "strict.xml").getroot()[0]
    assert suite.get("failures") == "1"


def test_wrong_answers_are_failures_and_right_ones_are_not(served: Project) -> None:
    wrong = served.load("wrong")
    assert wrong.code == 7
    failures = served.result("wrong")["total"]["failures"]
    assert {each["kind"] for each in failures} == {"answer"}
    assert "none of" in wrong.err
    right = served.load("right")
    assert right.code == 0, right.err


def test_a_decoupled_model_is_asked_over_a_stream(served: Project) -> None:
    done = served.load("stream")
    assert done.code == 0, done.err
    client = served.result("stream")["client"]
    assert client["total"]["responses"] == 3 * client["total"]["answered"]


def test_a_mix_over_two_generators_is_counted_by_model(served: Project) -> None:
    done = served.load("mix", "--processes", "2")
    assert done.code == 0, done.err
    said = served.result("mix")
    counts = {name: each["answered"] for name, each in said["requests"].items()}
    assert counts["add"] > counts["twice"] > 0
    assert sum(counts.values()) == said["total"]["answered"]
    assert len(said["client"]["workers"]) == 2


def test_a_result_is_not_worse_than_itself_and_a_slower_one_is(
    served: Project, tmp_path: Path
) -> None:
    served.load("quiet")
    folder = served.folder / ".tritongen" / "results"
    first = max(folder.glob("quiet-*.json"), key=lambda path: path.stat().st_mtime_ns)
    same = served.run("compare", str(first), str(first))
    assert same.code == 0, same.err
    slow = json.loads(first.read_text())
    for each in (slow["total"], *slow["requests"].values()):
        latency = each["latency"]
        for key in ("p50_ms", "p95_ms", "p99_ms"):
            latency[key] *= 10
        latency["ci_ms"] = {
            key: [10 * low, None if high is None else 10 * high]
            for key, (low, high) in latency["ci_ms"].items()
        }
        each["seconds"] = [[n, *(t and 10 * t for t in times)] for n, *times in each["seconds"]]
    (tmp_path / "slow.json").write_text(json.dumps(slow))
    worse = served.run("compare", str(first), str(tmp_path / "slow.json"))
    assert worse.code == 7
    assert "p50_ms of all" in worse.err
    better = served.run("compare", str(tmp_path / "slow.json"), str(first), "--json")
    assert better.code == 0, better.err
    changes = {each["metric"]: each["judgement"] for each in json.loads(better.out)["changes"]}
    assert changes["p50_ms"] == "better"
    assert changes["throughput_rps"] == "same"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("load",), 2, "which load test?"),
        (("load", "quit"), 2, "did you mean 'quiet'?"),
        (("load", "quiet", "--duration", "0s"), 2, "nothing would be measured"),
        (("load", "quiet", "--duration", "5"), 2, "no duration"),
        (("load", "quiet", "--url", "127.0.0.1:1"), 6, "no Triton answers at 127.0.0.1:1"),
        (("load", "quiet", "--url", "nowhere"), 2, "no HOST:PORT"),
        (("load", "quiet", "--url", "127.0.0.1:99999"), 2, "no HOST:PORT"),
        (("load", "users", "--find-max"), 2, "users has no objective to keep"),
        (("load", "quiet", "--engine", "embedded"), 9, ""),
        (("load", "quiet", "--prometheus", "http://127.0.0.1:1"), 6, "no Prometheus answers at"),
        (("compare", "spec.yaml", "step.py"), 2, "is no JSON"),
        (("compare", "nothing.json", "step.py"), 2, "No such file"),
    ],
)
def test_what_can_t_be_done_is_refused_with_its_code(
    served: Project, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = served.run(*arguments)
    assert done.code == code, done.err
    assert told in done.err
    assert "Traceback" not in done.err


def test_results_that_can_t_be_written_are_told_with_9(served: Project) -> None:
    folder = served.folder / ".tritongen" / "results"
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("in the way")
    try:
        done = served.run("load", "right")
    finally:
        folder.unlink()
        aside.rename(folder)
    assert done.code == 9
    assert "the result can't be written" in done.err
