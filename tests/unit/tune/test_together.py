"""Several servers measure the settings of one study at the same time."""

import threading
from pathlib import Path

import pytest
from tests.unit.tune.made import STEPS, planned, server
from tests.unit.tune.test_tune import SMALL

from tritongen.errors import EngineError
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Host, Setting, Study
from tritongen.stages.tune import Besides, Evaluate, read_study, tune
from tritongen.testing.simulated import Step

WAIT_S = 20


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return planned(tmp_path, SMALL)


def run(plan: Plan, journal: Path, *servers: Evaluate, besides: Besides | None = None) -> Study:
    assert plan.tune is not None
    besides = besides or Besides(servers=servers[1:])
    return tune(plan, servers[0], plan.tune, host=Host(), journal=journal, besides=besides)


def test_two_servers_measure_at_the_same_time_and_share_one_study(
    plan: Plan, tmp_path: Path
) -> None:
    both = threading.Barrier(2)
    made = [server(plan), server(plan, seed=1)]

    def beside(number: int) -> Evaluate:
        def evaluate(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
            if len(read_study(tmp_path / "s.jsonl").trials) < 8:
                both.wait(WAIT_S)  # alone it would wait in vain
            return made[number].evaluate(setting, test, seconds)

        return evaluate

    study = run(plan, tmp_path / "s.jsonl", beside(0), beside(1))
    assert study.conclusion is not None
    assert study.conclusion.verdict == "better"
    assert [trial.number for trial in study.trials] == list(range(12))
    assert read_study(tmp_path / "s.jsonl").trials == study.trials
    assert {t.server for t in study.trials if t.kind == "start"} == {0, 1}
    searched = [trial.setting for trial in study.trials if trial.kind == "search"]
    assert len(set(searched)) == len(searched)
    for finalist in study.conclusion.finalists:
        assert {study.trials[n].server for n in finalist.trials if n > 7} == {0, 1}


def test_a_server_that_is_not_like_the_first_takes_no_part(plan: Plan, tmp_path: Path) -> None:
    slow = {**STEPS, "b": Step(fixed_ms=12, row_ms=1.6, power=0.9)}
    study = run(
        plan, tmp_path / "s.jsonl", server(plan).evaluate, server(plan, steps=slow).evaluate
    )
    (note,) = study.notes
    assert note.startswith("server 2 took no part: it answers 5")
    assert note.endswith("% less than the first with the spec's setting")
    assert {trial.server for trial in study.trials[2:]} == {0}


def test_a_server_that_fails_with_the_specs_setting_takes_no_part(
    plan: Plan, tmp_path: Path
) -> None:
    def broken(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        raise EngineError("b does not load")

    study = run(plan, tmp_path / "s.jsonl", server(plan).evaluate, broken)
    assert study.notes == (
        "server 2 took no part: it fails with the spec's setting: b does not load",
    )
    assert study.conclusion is not None
    assert study.conclusion.verdict == "better"


def test_ctrl_c_ends_all_servers_and_the_study_goes_on_with_both(
    plan: Plan, tmp_path: Path
) -> None:
    made = [server(plan), server(plan, seed=1)]
    ending = threading.Event()

    def interrupted(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        if made[0].asked == 3:
            raise KeyboardInterrupt
        return made[0].evaluate(setting, test, seconds)

    def asked_to_end(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        if made[1].asked == 3:
            assert ending.wait(WAIT_S)
            raise KeyboardInterrupt
        return made[1].evaluate(setting, test, seconds)

    besides = Besides(servers=[asked_to_end], ending=ending)
    study = run(plan, tmp_path / "s.jsonl", interrupted, besides=besides)
    assert study.conclusion is not None
    assert study.conclusion.stopped == "interrupted"
    count = len(study.trials)
    after = run(plan, tmp_path / "s.jsonl", server(plan).evaluate, server(plan, seed=1).evaluate)
    assert after.trials[:count] == study.trials
    assert [t.kind for t in after.trials[count : count + 2]] == ["start", "start"]
    assert after.conclusion is not None
    assert after.conclusion.verdict == "better"
