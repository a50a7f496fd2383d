"""What ``tune:`` becomes before anything is measured, and what is refused."""

from pathlib import Path

import pytest
from tests.unit.tune.made import CHAIN, LOAD, planned

from tritongen.errors import SpecError
from tritongen.records.plan import Plan
from tritongen.records.tune import PlannedTune, Tune
from tritongen.stages.resolve.tune import tuned_as

DELAY = "dynamic_batching.max_queue_delay_microseconds"


def tune_of(plan: Plan) -> PlannedTune:
    assert plan.tune is not None
    return plan.tune


def test_without_a_word_all_that_makes_sense_moves(tmp_path: Path) -> None:
    said = tune_of(planned(tmp_path))
    usual = ["max_batch_size", DELAY, "instance_group.count"]
    assert {name: list(chosen) for name, chosen in said.search.items()} == {"a": usual, "b": usual}
    assert all(v is None for chosen in said.search.values() for v in chosen.values())
    assert (said.goal, said.trials, said.seconds, said.method) == ("throughput", 25, None, "guided")


def test_a_spec_that_says_nothing_of_it_is_tuned_all_the_same(tmp_path: Path) -> None:
    plan = planned(tmp_path, LOAD)
    assert plan.tune is None
    assert tuned_as(plan, Tune()).loadtest == "t"
    with pytest.raises(SpecError, match="no load test"):
        tuned_as(planned(tmp_path, ""), Tune())


def test_what_is_named_moves_within_what_was_said(tmp_path: Path) -> None:
    text = (
        "tune: {minimize: cost, budget: 30 trials and 5min, seed: 7, search: {a: pinned, b: "
        f"{{max_batch_size: 1..64 log, instance_group.count: 1..3, {DELAY}: [0, 400]}}}}}}"
    )
    said = tune_of(planned(tmp_path, LOAD + text))
    assert said.search == {
        "b": {
            "max_batch_size": (1, 2, 4, 8, 16, 32, 64),
            "instance_group.count": (1, 2, 3),
            DELAY: (0, 400),
        }
    }
    assert said.pinned == {"a": "it is pinned"}
    assert (said.goal, said.trials, said.seconds, said.seed) == ("cost", 30, 300.0, 7)


def test_limits_are_those_of_the_slo_unless_said_otherwise(tmp_path: Path) -> None:
    text = LOAD + "slo: {pipe: {p99: 50ms, error_rate: 1%}}\n"
    limits = tune_of(planned(tmp_path, text + "tune: {constraints: {p99: 80ms, instances: 6}}"))
    assert limits.limits.p99 == pytest.approx(0.08)
    assert limits.limits.error_rate == pytest.approx(0.01)
    assert limits.limits.instances == 6


@pytest.mark.parametrize(
    ("goal", "chosen"), [("maximize: throughput", "many"), ("minimize: p99", "steady")]
)
def test_the_load_test_that_tells_settings_apart_best_is_taken(
    tmp_path: Path, goal: str, chosen: str
) -> None:
    text = (
        "loadtests:\n"
        "  spike: {model: pipe, arrivals: {stages: [{duration: 9s, rate: 5/s}]}}\n"
        "  even: {model: pipe, arrivals: {constant: 20/s}}\n"
        "  steady: {model: pipe, arrivals: {poisson: 20/s}}\n"
        "  many: {model: pipe, arrivals: {closed: 8}}\n"
        f"tune: {{{goal}}}\n"
    )
    assert tune_of(planned(tmp_path, text)).loadtest == chosen


def test_what_can_not_be_simulated_or_changed_is_left_alone_with_a_reason(tmp_path: Path) -> None:
    models = CHAIN.replace(
        "ensembles:",
        "  talk:\n    source: none\n    backend: identity\n    max_batch_size: 8\n"
        '    input: {X: "FP32[2]"}\n    output: {Y: "FP32[2]"}\n'
        "    sequence_batching:\n      oldest: {}\n      control_input: "
        "[{name: ID, control: [{kind: CONTROL_SEQUENCE_CORRID, data_type: string}]}]\n"
        '  far: {external: true, max_batch_size: 4, input: {X: "FP32[2]"}, '
        'output: {Y: "FP32[2]"}}\nensembles:',
    )
    text = "loadtests: {t: {models: {talk: 1, far: 1, a: 1}, arrivals: {closed: 4}}}\ntune: {}\n"
    said = tune_of(planned(tmp_path, text, models))
    assert list(said.search) == ["a"]
    assert "sequence" in said.pinned["talk"]
    assert "another repository" in said.pinned["far"]


REFUSED = {
    "loadtest: ste": "there is no load test 'ste'",
    "search: {c: pinned}": "there is no model 'c'",
    "search: {pipe: [max_batch_size]}": "no request of the load test passes 'pipe'",
    "search: {a: [instance_group.counts]}": "there is no parameter 'instance_group.counts'",
    "search: {a: [parameters.intra_op_thread_count]}": "identity has no parameter",
    "search: {a: {max_batch_size: [0, 4]}}": "max_batch_size can't be 0",
    "search: {a: {max_batch_size: [many]}}": "it wants a whole number",
    "search: {a: {max_batch_size: []}}": "nothing says what max_batch_size may be",
    "search: {a: pinned, b: pinned}": "there is nothing to search",
    "search: {a: pinned, b: {max_batch_size: [4]}}": "there is nothing to search",
    "server: {log_verbose: [1]}": "there is no parameter of the server 'log_verbose'",
    "server: {response_cache.local.size: [lots]}": "such as 64MiB",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_can_not_be_searched_is_told_at_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError) as refused:
        planned(tmp_path, LOAD + f"tune: {{{text}}}\n")
    (finding,) = refused.value.findings
    assert REFUSED[text] in finding.message
    assert finding.code in ("TG601", "TG602", "TG603")
    assert finding.fix
    assert finding.place is not None
    assert finding.place.line == CHAIN.count("\n") + 2


def test_the_nearest_name_is_shown(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        planned(tmp_path, LOAD + "tune: {search: {a: [instance_group.counts]}}\n")
    assert refused.value.findings[0].fix == "did you mean 'instance_group.count'?"


def test_a_search_without_a_load_test_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        planned(tmp_path, "tune: {}\n")
    assert refused.value.findings[0].code == "TG604"
