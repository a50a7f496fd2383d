"""The stack that runs is tuned: through its gateway, its models changed through `ops`."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.integration.compose.measured import measured
from tests.integration.compose.project import TRITONGEN, Project
from tests.integration.compose.replicas.conftest import ask

from tritongen.stages.tune import read_study

TRIALS_S = 120


def configs(control: Project) -> list[str]:
    """Return how each replica is served, as its Triton says."""
    ask_it = ("curl", "-s", "http://localhost:8000/v2/models/grow/config")
    names = [each["Name"].lstrip("/") for each in control.containers("triton")]
    return [control.engine.docker("exec", name, *ask_it) for name in names]


def studies(control: Project) -> Path:
    return control.folder / ".tritongen" / "tune"


def test_both_replicas_are_brought_to_each_setting_and_get_back_what_they_had(
    control: Project,
) -> None:
    before = configs(control)
    began = time.monotonic()
    said = json.loads(control.tritongen("tune", "--engine", "compose", "--json"))
    measured(f"control: the stack was tuned with 4 trials in {time.monotonic() - began:.1f} s")
    assert said["host"]["replicas"] == 2
    trials = read_study(studies(control) / "control-1.jsonl").trials
    seen = set()
    for trial in trials:
        assert trial.measurement, trial.failure
        assert trial.measurement.server, "the counters are read through ops"
        (times,) = trial.measurement.server.models
        assert times.requests
        seen.add(times.instances)
    assert seen == {2, 4}
    assert configs(control) == before
    assert ask(control, 1) > 1


def test_after_a_kill_the_next_study_gives_back_first(control: Project) -> None:
    before = configs(control)
    command = [TRITONGEN, "tune", "--engine", "compose", "--budget", "50 trials"]
    with subprocess.Popen(
        command, cwd=control.folder, env=control.environment, stderr=subprocess.DEVNULL
    ) as process:
        until = time.monotonic() + TRIALS_S
        journal = studies(control) / "control-2.jsonl"
        while not (journal.exists() and journal.read_text().count('{"trial"') >= 2):
            assert time.monotonic() < until
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert len(list(studies(control).glob("found-stack-*.json"))) == 2
    control.tritongen("tune", "--engine", "compose", "--resume", "--budget", "3 trials")
    assert configs(control) == before
    assert not list(studies(control).glob("found-*.json"))
