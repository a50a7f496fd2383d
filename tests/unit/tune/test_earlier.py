"""A study takes the profiles of steps that have not changed from the studies before it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.tune.made import CHAIN, LOAD, STEPS, planned, server

from tritongen.records.plan import Plan
from tritongen.records.profile import Profile, StepProfile
from tritongen.records.study import Host, Study
from tritongen.stages.tune import Besides, read_study, tune
from tritongen.stages.tune.earlier import taken
from tritongen.testing.simulated import Step

TUNE = (
    "tune: {budget: 9 trials, window: 1s, search: "
    "{a: pinned, b: {max_batch_size: [1, 4], instance_group.count: 1..3}}}\n"
)
OTHER = CHAIN.replace("  b:\n", "  b:\n    parameters: {mode: other}\n")


def run(plan: Plan, journal: Path, *earlier: Path, **said: Any) -> Study:
    assert plan.tune is not None
    besides = Besides(earlier=earlier)
    evaluate = server(plan, **said).evaluate
    return tune(plan, evaluate, plan.tune, host=Host(), journal=journal, besides=besides)


def profile_runs(study: Study) -> int:
    return sum(trial.kind == "profile" for trial in study.trials)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a study."""
    folder = tmp_path_factory.mktemp("first")
    study = run(planned(folder, LOAD + TUNE), folder / "one.jsonl")
    assert profile_runs(study) == 2
    assert study.notes == ()
    return folder / "one.jsonl"


def test_nothing_is_profiled_again_where_no_step_has_changed(first: Path, tmp_path: Path) -> None:
    plan = planned(tmp_path, LOAD.replace("closed: 16", "closed: 12") + TUNE)
    study = run(plan, tmp_path / "two.jsonl", first)
    assert profile_runs(study) == 0
    began = read_study(first).began
    assert study.notes == (f"profile of a, b taken from study one of {began}",)
    searched = [trial for trial in study.trials if trial.kind == "search"]
    for trial in searched:
        assert trial.score
        assert trial.predicted
        assert trial.predicted.throughput_rps == pytest.approx(trial.score.throughput_rps, rel=0.15)
    assert study.conclusion is not None
    assert study.conclusion.verdict == "better"


def test_a_step_that_changed_is_profiled_and_the_others_are_taken(
    first: Path, tmp_path: Path
) -> None:
    plan = planned(tmp_path, LOAD + TUNE, OTHER)
    study = run(plan, tmp_path / "two.jsonl", first)
    (note,) = study.notes
    assert note.startswith("profile of a taken from study one of ")
    assert profile_runs(study) == 2
    third = run(
        planned(tmp_path, LOAD + TUNE), tmp_path / "three.jsonl", tmp_path / "two.jsonl", first
    )
    assert profile_runs(third) == 0
    assert [note.partition(" of 2")[0] for note in third.notes] == [
        "profile of a taken from study two",
        "profile of b taken from study one",
    ]


def test_a_step_that_takes_longer_than_it_did_is_measured_anew_and_that_is_told(
    first: Path, tmp_path: Path
) -> None:
    plan = planned(tmp_path, LOAD + TUNE)
    slow = {**STEPS, "b": Step(fixed_ms=14, row_ms=1.6)}
    study = run(plan, tmp_path / "two.jsonl", first, steps=slow)
    assert profile_runs(study) == 2
    taken_a, anew = study.notes
    assert taken_a.startswith("profile of a taken")
    assert anew.startswith("the profile of b was measured anew: its executions take 2.")


MINE = Study(
    name="s",
    fingerprint="f",
    tune=None,  # type: ignore[arg-type]  # not looked at
    host=Host(cores=2.0, machine="here"),
    contents={"a": "x", "b": "y"},
    conditions="c",
)


@pytest.mark.parametrize(
    ("changed", "keys"),
    [
        ({}, {"a1", "b1"}),
        ({"contents": {"a": "x", "b": "new"}}, {"a1"}),
        ({"contents": {"a": "x"}}, {"a1"}),
        ({"host": Host(cores=4.0, machine="here")}, set()),
        ({"host": Host(cores=2.0, machine="there")}, set()),
        ({"conditions": "other requests"}, set()),
    ],
)
def test_profiles_are_taken_of_the_same_files_host_and_requests_only(
    first: Path, tmp_path: Path, changed: dict[str, Any], keys: set[str]
) -> None:
    steps = {key: StepProfile(key=key, model=key[0], timings=()) for key in ("a1", "b1")}
    before = replace(
        read_study(first),
        host=MINE.host,
        contents=MINE.contents,
        conditions=MINE.conditions,
        profile=Profile(steps=steps),
        trials=(),
    )
    from tritongen.stages.tune import Journal

    Journal(tmp_path / "before.jsonl").begin(before)
    (tmp_path / "broken.jsonl").write_text("{}\n")
    found = taken(replace(MINE, **changed), [tmp_path / "broken.jsonl", tmp_path / "before.jsonl"])
    assert {key for each in found for key in each.profile.steps} == keys
