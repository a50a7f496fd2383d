"""What final trials say together: no limit is held by one run that went well."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.tune.made import LOAD, planned

from tritongen.records.study import Dimension, Host, Score, Setting, Space, Study, Trial
from tritongen.stages.report.standing import sides
from tritongen.stages.tune.concluding import conclude, contenders

OWN, OTHER = (Setting.of({("b", "max_batch_size"): size}) for size in (4, 8))


def final(number: int, setting: Setting, p99_ms: float, rps: float = 100, rate: int = 100) -> Trial:
    exceeded = {"p99": p99_ms / 500} if p99_ms > 500 else {}
    score = Score(
        throughput_rps=rps,
        p50_ms=50,
        p99_ms=p99_ms,
        error_rate=0,
        instances=1,
        cores=1,
        gpus=0,
        memory_bytes=1,
        cost_per_million=1,
        exceeded=exceeded,
    )
    place = setting.changed({("", "rate"): rate})
    return Trial(number=number, kind="final", setting=place, load="", at_s=0, took_s=0, score=score)


def study(folder: Path, *trials: Trial) -> Study:
    plan = planned(folder, LOAD + "slo: {pipe: {p99: 500ms}}\ntune: {}\n")
    assert plan.tune is not None
    space = Space(
        dimensions=(
            Dimension(model="b", parameter="max_batch_size", values=(4, 8), start=4),
            Dimension(model="", parameter="rate", values=(40, 148, 155, 163, 180), start=40),
        )
    )
    return Study(name="", fingerprint="", tune=plan.tune, host=Host(), space=space, trials=trials)


@pytest.mark.parametrize(
    ("p99_ms", "holds"),
    [((237, 240), True), ((237, 833), False), ((237, 240, 800), True), ((237, 640, 700), False)],
)
def test_a_limit_holds_where_the_mean_and_most_runs_hold_it(
    tmp_path: Path, p99_ms: tuple[float, ...], holds: bool
) -> None:
    trials = [final(number, OTHER, each) for number, each in enumerate(p99_ms)]
    (found,) = contenders(study(tmp_path, *trials))
    assert found.score.feasible == holds


def test_the_start_beside_the_winner_is_the_best_that_it_can_do(tmp_path: Path) -> None:
    trials = (
        final(0, OWN, 200, rps=145, rate=148),
        final(1, OWN, 230, rps=154, rate=155),
        final(2, OWN, 930, rps=164, rate=163),
        *(final(number, OTHER, 240, rps=180, rate=180) for number in (3, 4)),
    )
    said = study(tmp_path, *trials)
    found = conclude(said, lambda setting: None, within=None, stopped="")
    assert found.winner == trials[-1].setting
    start, best = sides(Study(**{**vars(said), "conclusion": found}))
    assert start is not None
    assert best is not None
    assert (start.score.throughput_rps, best.score.throughput_rps) == (154, 180)
    assert found.sentence == "180 answers/s, 99% within 240 ms: 17% more than the spec's setting"


@pytest.mark.parametrize(("failed_at", "verdict"), [(180, "best"), (163, "better")])
def test_a_start_that_failed_at_the_winners_rate_only_may_do_all_below_it(
    tmp_path: Path, failed_at: int, verdict: str
) -> None:
    trials = (
        final(0, OWN, 200, rps=154, rate=155),
        final(1, OWN, 930, rps=failed_at, rate=failed_at),
        *(final(number, OTHER, 240, rps=180, rate=180) for number in (2, 3)),
    )
    found = conclude(study(tmp_path, *trials), lambda setting: None, within=None, stopped="")
    assert found.verdict == verdict
    if verdict == "best":
        assert found.sentence == "the spec's setting is already best, within 17%"


def test_a_start_that_held_the_limits_at_times_is_not_worse_for_sure(tmp_path: Path) -> None:
    trials = (
        final(0, OWN, 156, rps=154, rate=155),
        final(1, OWN, 381, rps=154, rate=155),
        final(2, OWN, 1065, rps=154, rate=155),
        *(final(number, OTHER, 200, rps=154, rate=155) for number in (3, 4)),
    )
    found = conclude(study(tmp_path, *trials), lambda setting: None, within=None, stopped="")
    assert (found.verdict, found.winner) == ("noisy", trials[0].setting)
    assert found.sentence.startswith(
        "the spec's setting held the limits in 2 of 3 measurements, the best in 2 of 2: nothing can"
    )


def test_a_start_that_was_not_measured_below_the_winners_rate_is_not_worse_for_sure(
    tmp_path: Path,
) -> None:
    trials = (
        final(0, OWN, 1200, rps=180, rate=180),
        *(final(number, OTHER, 240, rps=180, rate=180) for number in (1, 2)),
    )
    found = conclude(study(tmp_path, *trials), lambda setting: None, within=None, stopped="")
    assert (found.verdict, found.winner) == ("noisy", trials[0].setting)
    assert found.sentence.startswith("the spec's setting missed a limit at the rate that the best")


def test_what_was_measured_well_once_and_fell_is_said_to_exceed_the_limit(tmp_path: Path) -> None:
    once = replace(final(0, OTHER, 240), kind="search")
    trials = (once, *(final(number, OTHER, 600) for number in (1, 2)))
    found = conclude(study(tmp_path, *trials), lambda setting: None, within=None, stopped="")
    assert (found.verdict, found.binding) == ("infeasible", "p99")
    assert found.sentence == "no setting holds all limits; the nearest exceeds p99 by 20%"
