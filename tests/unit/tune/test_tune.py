"""A whole search against a simulated server: its trials, its journal, its end."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.tune.made import LOAD, planned, server

from tritongen.errors import EngineError, MeasureError, SpecError, TuneError
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Host, Setting, Study, Trial
from tritongen.stages.tune import Event, read_study, tune, tuned
from tritongen.testing.simulated import SimulatedServer

SMALL = (
    LOAD + "tune: {budget: 12 trials, window: 1s, method: random, search: "
    "{a: pinned, b: {max_batch_size: [1, 4, 16], instance_group.count: 1..3}}}\n"
)


def run(plan: Plan, made: SimulatedServer, journal: Path, **said: Any) -> Study:
    assert plan.tune is not None
    return tune(plan, made.evaluate, plan.tune, host=Host(), journal=journal, **said)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return planned(tmp_path, SMALL)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "study.jsonl"


def test_a_better_setting_is_found_measured_again_in_turns_and_told(
    plan: Plan, journal: Path
) -> None:
    study = run(plan, server(plan), journal)
    found = study.conclusion
    assert found is not None
    assert found.verdict == "better"
    assert found.gain is not None
    assert found.gain > 0.3
    assert len(study.trials) == 12
    finals = [trial.setting for trial in study.trials if trial.kind == "final"]
    assert finals[0] != finals[1]  # interleaved
    assert {study.space.start} < set(finals) if study.space else False
    assert found.winner in finals
    assert set(found.front) <= {trial.number for trial in study.scored}
    decisions = tuned(plan, study)
    assert {each.source for each in decisions} == {"tuned"}
    assert {each.path[:2] for each in decisions} == {("models", "b")}


def test_the_guided_search_needs_few_trials_and_predicts_what_it_measures(
    tmp_path: Path, journal: Path
) -> None:
    text = SMALL.replace("random", "guided").replace("12 trials", "25 trials")
    plan = planned(tmp_path, text)
    study = run(plan, server(plan), journal)
    assert study.conclusion is not None
    assert study.conclusion.stopped == "nothing else promises to be better"
    searched = [trial for trial in study.trials if trial.kind == "search"]
    assert len(searched) <= 8
    for trial in searched:
        assert trial.score is not None
        assert trial.predicted is not None
        assert trial.predicted.throughput_rps == pytest.approx(trial.score.throughput_rps, rel=0.15)


def test_what_was_measured_is_in_the_journal_the_moment_it_ended(plan: Plan, journal: Path) -> None:
    seen: list[int] = []

    def show(event: Event) -> None:
        if event.trial is not None:
            seen.append(len(read_study(journal).trials))

    study = run(plan, server(plan), journal, show=show)
    assert seen == list(range(1, len(study.trials) + 1))
    again = read_study(journal)
    assert again.trials == study.trials
    assert again.conclusion == study.conclusion
    assert again.space == study.space


@pytest.mark.parametrize("killed_at", [1, 2, 5, 9])
def test_a_killed_study_goes_on_where_it_was(
    plan: Plan, journal: Path, tmp_path: Path, killed_at: int
) -> None:
    whole = run(plan, server(plan), tmp_path / "whole.jsonl")
    made = server(plan)

    def dies(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        if made.asked == killed_at:
            raise SystemExit("killed")
        return made.evaluate(setting, test, seconds)

    assert plan.tune is not None
    with pytest.raises(SystemExit):
        tune(plan, dies, plan.tune, host=Host(), journal=journal)
    with journal.open("ab") as file:
        file.write(b'{"trial": {"number": 99, "ki')  # half a line, as a crash leaves it
    before = read_study(journal).trials
    assert len(before) == killed_at
    after = run(plan, made, journal)
    assert after.trials[:killed_at] == before
    assert [t.setting for t in after.trials] == [t.setting for t in whole.trials]
    assert len(read_study(journal).trials) == len(whole.trials)


def test_a_journal_of_something_else_is_refused(plan: Plan, journal: Path, tmp_path: Path) -> None:
    run(plan, server(plan), journal)
    other = planned(tmp_path, SMALL.replace("closed: 16", "closed: 8"))
    with pytest.raises(SpecError, match="another spec"):
        run(other, server(other), journal)
    journal.write_text("{}\n")
    with pytest.raises(SpecError, match="no line of a study"):
        read_study(journal)
    journal.write_text("")
    with pytest.raises(SpecError, match="no study"):
        read_study(journal)
    with pytest.raises(SpecError):
        read_study(tmp_path / "nothing")


def test_ctrl_c_ends_with_the_best_so_far(plan: Plan, journal: Path) -> None:
    made = server(plan)

    def interrupted(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        if made.asked == 6:
            raise KeyboardInterrupt
        return made.evaluate(setting, test, seconds)

    assert plan.tune is not None
    study = tune(plan, interrupted, plan.tune, host=Host(), journal=journal)
    assert study.conclusion is not None
    assert study.conclusion.stopped == "interrupted"
    assert study.conclusion.verdict == "noisy"  # measured once is not sure
    assert study.conclusion.winner is not None


def test_ctrl_c_while_a_trial_is_written_loses_nothing_that_was_written(
    plan: Plan, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk = os.fsync

    def interrupted(file: int) -> None:
        on_disk(file)
        if len(read_study(journal).trials) == 3:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    study = run(plan, server(plan), journal)
    assert study.conclusion is not None
    assert study.conclusion.stopped == "interrupted"
    assert len(study.trials) == 3
    assert read_study(journal).trials == study.trials


def test_settings_that_fail_are_data_and_the_search_goes_on(plan: Plan, journal: Path) -> None:
    study = run(plan, server(plan, refuses={("b", "instance_group.count"): 3}), journal)
    failed = [trial for trial in study.trials if trial.failure]
    assert failed
    assert {t.setting.by_key["b", "instance_group.count"] for t in failed} == {3}
    assert all("does not load" in str(trial.failure) for trial in failed)
    assert study.conclusion is not None
    assert study.conclusion.verdict == "better"


def test_what_the_server_refuses_is_not_asked_for_again_and_again(
    tmp_path: Path, journal: Path
) -> None:
    text = SMALL.replace("random", "guided").replace("12 trials", "25 trials")
    plan = planned(tmp_path, text.replace("1..3", "1..4"))
    study = run(plan, server(plan, refuses={("b", "instance_group.count"): 4}), journal)
    assert len([trial for trial in study.trials if trial.failure]) <= 3
    assert study.conclusion is not None
    assert study.conclusion.winner is not None
    assert study.conclusion.winner.by_key["b", "instance_group.count"] == 3


def test_a_start_that_fails_does_not_end_the_search(plan: Plan, journal: Path) -> None:
    study = run(plan, server(plan, refuses={("b", "instance_group.count"): 1}), journal)
    assert study.trials[0].score is not None  # it is measured before anything moves
    made = server(plan)

    def first_fails(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        if not setting.values:
            raise EngineError("the server died")
        return made.evaluate(setting, test, seconds)

    assert plan.tune is not None
    journal.unlink()
    study = tune(plan, first_fails, plan.tune, host=Host(), journal=journal)
    assert study.trials[0].failure == "the server died"
    assert study.conclusion is not None
    assert study.conclusion.winner is not None


def test_no_setting_within_the_limits_shows_the_nearest_and_what_binds(
    tmp_path: Path, journal: Path
) -> None:
    plan = planned(tmp_path, SMALL.replace("budget", "constraints: {p99: 3ms}, budget"))
    with pytest.raises(TuneError) as refused:
        run(plan, server(plan), journal)
    assert "p99" in refused.value.message
    assert refused.value.exit_code == 8
    assert "max_batch_size" in refused.value.why
    assert refused.value.study.conclusion.binding == "p99"


@pytest.mark.parametrize("again_ms", [200.0, 63.0])
def test_a_search_goes_on_where_all_that_it_found_falls_when_it_is_measured_again(
    tmp_path: Path, journal: Path, again_ms: float
) -> None:
    text = SMALL.replace("budget", "constraints: {p99: 60ms}, budget").replace("random", "guided")
    plan = planned(tmp_path, text.replace("12 trials", "30 trials"))
    made, kinds = server(plan), list[str]()
    lucky = set[Setting]()

    def evaluate(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        seen = made.evaluate(setting, test, seconds)
        kinds.append("search" if seconds == 1 else "final" if seconds == 2 else "profile")
        if "final" not in kinds:
            lucky.add(setting)
        if setting not in lucky:
            return seen
        assert seen.total.latency
        slow = replace(seen.total.latency, p99_ms=again_ms if kinds[-1] == "final" else 58.0)
        return replace(seen, total=replace(seen.total, latency=slow))

    assert plan.tune is not None
    study = tune(plan, evaluate, plan.tune, host=Host(), journal=journal)
    assert "search" in kinds[kinds.index("final") :]
    assert study.conclusion is not None
    assert study.conclusion.verdict == "better"
    assert study.conclusion.winner not in lucky


OPEN = (
    "loadtests: {t: {model: pipe, arrivals: {poisson: 40/s}, duration: 10s}}\n"
    "slo: {pipe: {p99: 60ms}}\n"
    "tune: {budget: 25 trials, window: 1s, search: SEARCH}\n"
)


@pytest.mark.parametrize(
    ("search", "verdict"),
    [
        ("{a: pinned, b: {max_batch_size: [1, 4, 16], instance_group.count: 1..3}}", "better"),
        ("{a: {max_batch_size: [8, 16, 32]}, b: pinned}", "best"),
    ],
)
def test_the_start_has_to_fail_where_the_winner_holds(
    tmp_path: Path, journal: Path, search: str, verdict: str
) -> None:
    plan = planned(tmp_path, OPEN.replace("SEARCH", search))
    study = run(plan, server(plan, noise=0.02), journal)
    assert study.conclusion is not None
    assert study.conclusion.verdict == verdict
    assert study.space is not None
    own, finals = study.space.start.configuration, [t for t in study.trials if t.kind == "final"]
    mine, others = ([t for t in finals if (t.setting.configuration == own) == is_own]
                    for is_own in (True, False))  # fmt: skip

    def rate(trial: Trial) -> int:
        return int(str(trial.setting.by_key["", "rate"]))

    assert rate(mine[0]) == max(map(rate, others), default=rate(mine[0]))
    assert mine[0].score
    assert not mine[0].score.feasible
    # Where it only was late that may have been chance; where it answers less, that says how far
    # down it has to go.
    at_first = [each for each in mine if rate(each) == rate(mine[0])]
    assert (len(at_first) > 1) == (verdict == "best")
    assert len({rate(each) for each in mine}) <= 3


def test_limits_on_what_is_taken_hold(tmp_path: Path, journal: Path) -> None:
    plan = planned(tmp_path, SMALL.replace("budget", "constraints: {instances: 3}, budget"))
    study = run(plan, server(plan), journal)
    assert study.conclusion is not None
    assert study.conclusion.winner is not None
    assert int(str(study.conclusion.winner.by_key["b", "instance_group.count"])) <= 2


def test_a_load_program_that_is_the_limit_is_refused_at_the_start(
    plan: Plan, journal: Path
) -> None:
    made = server(plan)

    def limited(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        reason = {"reason": "cpu", "message": "worker 0 used 99% of a core: use more workers"}
        seen = made.evaluate(setting, test, seconds)
        return replace(seen, client={**seen.client, "distrust": [reason]})

    assert plan.tune is not None
    with pytest.raises(MeasureError, match="load program is the limit"):
        tune(plan, limited, plan.tune, host=Host(), journal=journal)


def test_settings_that_differ_less_than_noise_leave_the_spec_as_it_is(
    tmp_path: Path, journal: Path
) -> None:
    text = SMALL.replace("b: {max_batch_size: [1, 4, 16], instance_group.count: 1..3}", "b: pinned")
    text = text.replace("a: pinned", "a: {max_batch_size: [8, 16, 32]}")
    plan = planned(tmp_path, text)
    study = run(plan, server(plan), journal)
    assert study.conclusion is not None
    assert study.conclusion.verdict == "best"
    assert study.space is not None
    assert study.conclusion.winner == study.space.start
    assert tuned(plan, study) == ()


def test_noise_that_drowns_everything_is_told(tmp_path: Path, journal: Path) -> None:
    text = SMALL.replace("b: {max_batch_size: [1, 4, 16], instance_group.count: 1..3}", "b: pinned")
    text = text.replace("a: pinned", "a: {max_batch_size: [8, 16, 32]}")
    plan = planned(tmp_path, text)
    study = run(plan, server(plan, noise=0.3), journal)
    assert study.conclusion is not None
    assert study.conclusion.verdict == "noisy"
    assert "measure longer" in study.conclusion.sentence


def test_an_open_load_test_finds_the_highest_rate_within_the_limits(
    tmp_path: Path, journal: Path
) -> None:
    text = SMALL.replace("closed: 16", "poisson: 40/s").replace(
        "tune:", "slo: {pipe: {p99: 30ms}}\ntune:"
    )
    plan = planned(tmp_path, text.replace("random", "guided").replace("12 trials", "18 trials"))
    study = run(plan, server(plan), journal)
    assert study.conclusion is not None
    assert study.conclusion.winner is not None
    start = [trial for trial in study.trials if trial.kind == "start"]
    assert len(start) == 2  # as the load test says, and at the start's own limit
    rate = int(str(study.conclusion.winner.by_key["", "rate"]))
    assert rate > 1.3 * int(str(start[1].setting.by_key["", "rate"]))


def test_time_is_a_budget_too(tmp_path: Path, journal: Path) -> None:
    plan = planned(tmp_path, SMALL.replace("12 trials", "20s"))
    now = [0.0]
    made = server(plan)

    def slow(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        now[0] += seconds + test.warmup_s
        return made.evaluate(setting, test, seconds)

    assert plan.tune is not None
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    study = tune(plan, slow, plan.tune, host=Host(), journal=journal, clock=clock)
    assert 14 < now[0] <= 22
    assert any(trial.kind == "final" for trial in study.trials)


@pytest.mark.parametrize("goal", ["minimize: p99", "minimize: cost"])
def test_other_goals_are_reached(tmp_path: Path, journal: Path, goal: str) -> None:
    plan = planned(tmp_path, SMALL.replace("budget", f"{goal}, budget"))
    study = run(plan, server(plan), journal)
    found = study.conclusion
    assert found is not None
    assert found.winner is not None
    assert found.verdict in ("better", "best")
    finalists = {each.setting: each.score for each in found.finalists}
    value = "p99_ms" if "p99" in goal else "cost_per_million"
    least = min(getattr(score, value) for score in finalists.values())
    assert getattr(finalists[found.winner], value) <= 1.2 * least


def test_a_reader_is_told_what_the_figures_hide(plan: Plan, journal: Path) -> None:
    made = server(plan)

    def late(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        seen = made.evaluate(setting, test, seconds)
        reason = {"reason": "lag", "message": "the load generator woke up 9 ms late"}
        return replace(seen, client={**seen.client, "distrust": [reason]})

    assert plan.tune is not None
    study = tune(plan, late, plan.tune, host=Host(), journal=journal)
    (note,) = study.notes
    assert note.startswith("in 12 of 12 trials the load program woke up late")
    assert read_study(journal).notes == study.notes


@pytest.mark.parametrize(("each_kib", "told"), [(64, True), (0.1, False), (-64, False)])
def test_a_server_whose_memory_goes_on_growing_is_told(
    plan: Plan, journal: Path, each_kib: float, told: bool
) -> None:
    made, held = server(plan), 1 << 30

    def leaks(setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        nonlocal held
        found = made.evaluate(setting, test, seconds)
        assert found.server is not None
        before, held = held, held + int(1024 * each_kib * found.total.answered)
        return replace(found, server=replace(found.server, memory_bytes=(before, held)))

    assert plan.tune is not None
    study = tune(plan, leaks, plan.tune, host=Host(), journal=journal)
    notes = [note for note in study.notes if "a model seems to keep" in note]
    assert len(notes) == told
    assert all(f"{each_kib:.1f} KiB for each answer" in note for note in notes)
