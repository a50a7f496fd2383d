"""An ensemble of sleeping steps is tuned on the real server: found, written, built, resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tritongen.stages.tune import read_study

pytestmark = pytest.mark.server

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))
EXPLICIT = ("--model-control-mode=explicit", "--load-model=*")
STEP = """
import time


def quick(x):
    time.sleep(0.001)
    return {"y": x + 1}


def slow(x):
    time.sleep(0.02)
    return {"y": x * 2}
"""
SPEC = """\
name: pipe
models:
  quick:
    python: step.py:quick
    input: {x: "FP32[2]"}
    output: {y: "FP32[2]"}
    max_batch_size: 8
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}
  # The one that everything waits for.
  slow:
    python: step.py:slow
    input: {x: "FP32[2]"}
    output: {y: "FP32[2]"}
    max_batch_size: 1                       # one after the other
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}   # too few
ensembles:
  pipe:
    steps:
      - {model: quick, output: {y: z}}
      - {model: slow, input: {x: z}}
loadtests:
  many: {model: pipe, arrivals: {closed: 8}, duration: 10s, lag_limit: 100%}
tune:
  search: {quick: pinned, slow: {instance_group.count: [1, 3]}}
  method: grid
  window: 1s
  budget: 4 trials
"""


class Project:
    """A folder with the spec, and commands that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "step.py").write_text(STEP)
        self.spec.write_text(SPEC)

    @property
    def spec(self) -> Path:
        return self.folder / "spec.yaml"

    @property
    def studies(self) -> Path:
        return self.folder / ".tritongen" / "tune"

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [TRITONGEN, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=240)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert process.returncode == code, err
        assert "Traceback" not in err
        return out

    def endpoint(self) -> dict[str, str]:
        """Return where the server that was brought up answers."""
        found: dict[str, str] = json.loads(self.run("status", "--json"))["endpoint"]
        return found

    def next(self) -> Path:
        """Return the journal of the study that is begun next."""
        return self.studies / f"pipe-{len(list(self.studies.glob('pipe-*.jsonl'))) + 1}.jsonl"

    def wait_for_trials(self, journal: Path, count: int, seconds: float = 120) -> None:
        """Wait until so many trials of a study are written down."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if journal.exists() and journal.read_text().count('{"trial"') >= count:
                return
            time.sleep(0.05)
        raise AssertionError("the study did not come so far")

    def server(self) -> int | None:
        """Return the process of the study's server, if it still runs."""
        record = self.studies / "server" / ".tritongen" / "run" / "endpoint.json"
        if not record.exists():
            return None
        pid = int(json.loads(record.read_text())["pid"])
        return pid if Path(f"/proc/{pid}").exists() else None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("project"))
    yield made
    made.run("down")


def test_what_is_found_is_written_explained_and_built(project: Project) -> None:
    journal = project.next()
    out = project.run("tune", "--write", "-o", "tuned.yaml", "--html", "tuned.html")
    assert "more than the spec's setting" in out
    assert "-    instance_group: {kind: cpu, count: 1}   # too few" in out
    found = read_study(journal).conclusion
    assert found is not None
    assert found.verdict == "better"
    assert project.spec.read_text() == SPEC.replace(
        "{kind: cpu, count: 1}   # too few", "{kind: cpu, count: 3}   # too few"
    )
    assert "instance_group: {count: 3}" in (project.folder / "tuned.yaml").read_text()
    assert "<svg" in (project.folder / "tuned.html").read_text()
    assert project.server() is None
    assert not (project.folder / "model_repository").exists()

    decisions = json.loads(project.run("explain", "--json"))
    (evidence,) = [each for each in decisions if each["source"] == "tuned"]
    assert evidence["path"] == ["models", "slow", "instance_group", "count"]
    assert evidence["why"].startswith("it was 1; +")
    project.run("build")
    assert "count: 3" in (project.folder / "model_repository/slow/config.pbtxt").read_text()


def test_a_killed_study_loses_the_running_trial_only_and_is_gone_on_with(project: Project) -> None:
    project.spec.write_text(SPEC)
    journal = project.next()
    with project.start("tune", "--budget", "5 trials") as process:
        project.wait_for_trials(journal, 2)
        os.kill(process.pid, signal.SIGKILL)
    before = len(read_study(journal).trials)
    assert before >= 2
    said = json.loads(project.run("tune", "--resume", "--budget", "5 trials", "--json"))
    assert said["conclusion"]["verdict"] == "better"
    assert before < len(said["trials"]) <= 5
    assert [trial["number"] for trial in said["trials"]] == list(range(len(said["trials"])))
    assert project.server() is None
    project.run("report", str(journal), "-o", "again.html")
    assert "<svg" in (project.folder / "again.html").read_text()


def test_ctrl_c_ends_with_the_best_so_far(project: Project) -> None:
    journal = project.next()
    with project.start("tune") as process:
        project.wait_for_trials(journal, 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    found = read_study(journal).conclusion
    assert found is not None
    assert found.stopped == "interrupted"
    assert project.server() is None


def test_limits_that_nothing_holds_end_with_8_and_the_nearest(project: Project) -> None:
    limited = SPEC.replace("budget: 4 trials", "budget: 3 trials\n  constraints: {p50: 2ms}")
    project.spec.write_text(limited)
    with project.start("tune") as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 8, err
    assert "p50" in err
    assert out
    project.spec.write_text(SPEC)


def test_a_step_that_fails_on_every_request_is_told_with_its_words(project: Project) -> None:
    step = project.folder / "step.py"
    step.write_text(STEP.replace("time.sleep(0.02)", 'raise ValueError("out of beans")'))
    try:
        with project.start("tune") as process:
            out, err = process.communicate(timeout=120)
    finally:
        step.write_text(STEP)
    assert process.returncode == 8, err
    said = (
        "no request was answered: in ensemble 'pipe', slow: ValueError: out of beans (step.py:11)"
    )
    assert said in out
    assert "Warning" not in err


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="here instances on a GPU do load")
def test_what_the_server_refuses_or_dies_of_is_a_failed_trial(project: Project) -> None:
    project.spec.write_text(
        SPEC.replace(
            "{instance_group.count: [1, 3]}",
            "{instance_group.count: [1, 3], instance_group.kind: [cpu, gpu]}",
        ).replace("budget: 4 trials", "budget: 6 trials")
    )
    journal = project.next()
    with project.start("tune") as process:
        project.wait_for_trials(journal, 1)
        server = project.server()
        assert server is not None
        os.kill(server, signal.SIGKILL)
        out, err = process.communicate(timeout=240)
    project.spec.write_text(SPEC)
    assert process.returncode == 0, err
    trials = read_study(journal).trials
    assert len([trial for trial in trials if trial.failure]) >= 2
    assert [trial for trial in trials[2:] if trial.score]
    assert "trials failed" in out


@pytest.fixture(scope="module")
def explicit(project: Project) -> dict[str, str]:
    """Where a server answers that was brought up to be tuned."""
    if (project.folder / "model_repository").exists():
        shutil.rmtree(project.folder / "model_repository")
    project.run("up", "-d", "--", *EXPLICIT)
    return project.endpoint()


def test_a_given_server_gets_back_what_it_had_also_after_a_kill(
    project: Project, explicit: dict[str, str]
) -> None:
    url = explicit["grpc"]
    before = counts(url)
    project.run("tune", "--url", url, "--budget", "3 trials")
    assert counts(url) == before
    journal = project.next()
    with project.start("tune", "--url", url, "--budget", "20 trials") as process:
        project.wait_for_trials(journal, 2)
        os.kill(process.pid, signal.SIGKILL)
    assert list(project.studies.glob("found-127.0.0.1-*.json"))
    project.run("tune", "--resume", "--url", url, "--budget", "3 trials")
    assert counts(url) == before
    assert not list(project.studies.glob("found-*.json"))


def test_two_servers_measure_one_study_over_http_too(
    project: Project, explicit: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Project(tmp_path_factory.mktemp("other"))
    other.run("up", "-d", "--", *EXPLICIT)
    try:
        both = [explicit, other.endpoint()]
        urls = [f"--url={each['grpc']},http://{each['http']}" for each in both]
        before = [counts(each["grpc"]) for each in both]
        project.spec.write_text(SPEC.replace("{model: pipe,", "{model: pipe, protocol: http,"))
        out = project.run("tune", *urls, "--budget", "6 trials", "--json")
        assert [counts(each["grpc"]) for each in both] == before
    finally:
        project.spec.write_text(SPEC)
        other.run("down")
    study = json.loads(out)
    assert study["conclusion"]["verdict"] == "better", study["conclusion"]["sentence"]
    assert {trial["server"] for trial in study["trials"]} == {0, 1}
    starts = [trial for trial in study["trials"] if trial["kind"] == "start"]
    assert abs(starts[0]["at_s"] - starts[1]["at_s"]) < 1  # at the same time
    assert not list(project.studies.glob("found-*.json"))


def counts(url: str) -> dict[str, int]:
    """Return how many instances each step of a server has."""
    from tritongen.triton import Triton

    with Triton(grpc=url) as triton:
        return {name: triton.config(name).instance_group[0].count for name in ("quick", "slow")}
