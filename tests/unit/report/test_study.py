"""A study as rows and as a page, from a search on a simulated server."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.tune.made import LOAD, planned, server

from tritongen.cli import tuneview
from tritongen.cli.tuned import amendments, with_evidence
from tritongen.records.paths import STUDIES
from tritongen.records.plan import Plan
from tritongen.records.study import LOAD as LOAD_RATE
from tritongen.records.study import SERVER, Host, Setting, Study
from tritongen.stages.report import render_study, standing
from tritongen.stages.tune import tune

TUNE = LOAD + "tune: {method: random, budget: 10 trials}\n"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan, Study]:
    folder = tmp_path_factory.mktemp("study")
    plan = planned(folder, TUNE)
    assert plan.tune is not None
    refuses = {("b", "max_batch_size"): 1}
    study = tune(
        plan,
        server(plan, refuses=refuses).evaluate,
        plan.tune,
        host=Host(cores=4),
        journal=folder / STUDIES / "spec-1.jsonl",
    )
    assert study.conclusion is not None
    assert study.conclusion.verdict == "better"
    return folder, plan, study


def test_the_start_stands_beside_the_best(tuned: tuple[Path, Plan, Study]) -> None:
    rows = {row.name: row for row in standing.rows(tuned[2])}
    assert rows["throughput"].tone == "good"
    assert re.fullmatch(r"\+\d+%", rows["throughput"].difference)
    assert rows["errors"].difference == ""


def test_what_intervals_do_not_tell_apart_is_called_noise(
    tuned: tuple[Path, Plan, Study],
) -> None:
    study = tuned[2]
    assert study.conclusion is not None
    wide = tuple(replace(each, throughput_ci_rps=(1.0, 1e6)) for each in study.conclusion.finalists)
    blurred = replace(study, conclusion=replace(study.conclusion, finalists=wide))
    row = standing.rows(blurred)[0]
    assert row.difference.endswith("within noise")
    assert row.tone == "plain"


def test_a_start_that_failed_only_just_at_a_higher_rate_is_told(
    tuned: tuple[Path, Plan, Study],
) -> None:
    study = tuned[2]
    assert study.conclusion is not None
    assert standing.caveat(study) == ""
    first = study.trials[0]
    assert first.score is not None

    def at(setting: Setting, requests: int) -> Setting:
        return setting.changed({(SERVER, LOAD_RATE): requests})

    low = replace(first, setting=at(first.setting, 40))
    failed = replace(
        low,
        number=len(study.trials),
        setting=at(first.setting, 110),
        load="110/s",
        score=replace(first.score, throughput_rps=1e6, exceeded={"p99": 1.2}),
    )
    finalists = tuple(
        replace(each, setting=at(each.setting, 40)) for each in study.conclusion.finalists
    )
    winner = study.conclusion.winner
    assert winner is not None
    found = replace(study.conclusion, finalists=finalists, winner=at(winner, 40))
    told = standing.caveat(replace(study, trials=(low, failed), conclusion=found))
    assert "tried at 110/s" in told
    assert "exceeded p99 by 20%" in told


def test_the_page_is_whole_and_needs_nothing_else(tuned: tuple[Path, Plan, Study]) -> None:
    study = tuned[2]
    page = render_study(replace(study, notes=("<b>loud</b>",)))
    assert study.conclusion is not None
    assert study.conclusion.sentence.replace("'", "&#39;") in page
    assert "&lt;b&gt;loud" in page
    assert not re.findall(r"(?:src|href)=", page)
    assert page.count("<circle") > len(study.scored)
    if any(trial.failure for trial in study.trials):
        assert "What failed" in page


def test_a_study_that_has_only_begun_has_a_page(tuned: tuple[Path, Plan, Study]) -> None:
    study = replace(tuned[2], trials=(), conclusion=None, space=None)
    assert "Unfinished" in render_study(study)


def test_the_terminal_shows_best_start_and_what_is_left(tuned: tuple[Path, Plan, Study]) -> None:
    study = tuned[2]
    view = tuneview.TuneView(study.tune)
    view.study, view.doing = replace(study, trials=study.trials[:5]), "measuring"
    with (console := Console(width=120)).capture() as said:
        console.print(view.picture(60.0))
    assert "5 of at most 10 trials, at most 60 s left" in said.get()
    assert "best so far" in said.get()


def test_what_was_found_is_written_for_every_value_that_changed(
    tuned: tuple[Path, Plan, Study],
) -> None:
    _, plan, study = tuned
    found = amendments(plan, study)
    changes = standing.changes(study)
    assert {f"{each.path[1]} {'.'.join(map(str, each.path[2:]))}" for each in found} == {
        each.name for each in changes
    }
    assert all(each.why.startswith("it was ") for each in found)


def test_a_value_of_a_study_is_explained_once_the_spec_has_it(
    tuned: tuple[Path, Plan, Study],
) -> None:
    folder, plan, study = tuned
    assert not [d for d in with_evidence(plan, folder) if d.source == "tuned"]
    from tritongen.stages.tune import apply_setting

    assert study.conclusion is not None
    assert study.conclusion.winner is not None
    written = apply_setting(plan, study.conclusion.winner)
    decisions = [d for d in with_evidence(written, folder) if d.source == "tuned"]
    assert {d.path for d in decisions} == {each.path for each in amendments(plan, study)}
