"""A setting becomes a plan: only what it says changes, and what has to follow."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.tune.made import CHAIN, LOAD, planned

from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan
from tritongen.records.study import Setting
from tritongen.stages.tune import apply_setting, changed_models, needs_restart, written
from tritongen.stages.tune.settings import read_value

DELAY = "dynamic_batching.max_queue_delay_microseconds"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("plan"))


VALUES = {
    "max_batch_size": st.integers(1, 128),
    DELAY: st.integers(0, 10**6),
    "instance_group.count": st.integers(1, 16),
    "instance_group.kind": st.sampled_from(["KIND_CPU", "KIND_GPU"]),
    "response_cache.enable": st.booleans(),
}


@st.composite
def settings(draw: st.DrawFn) -> Setting:
    keys = [(model, path) for model in "ab" for path in VALUES]
    chosen = draw(st.lists(st.sampled_from(keys), unique=True))
    return Setting.of({key: draw(VALUES[key[1]]) for key in chosen})


@given(settings())
def test_what_a_setting_says_is_read_back_and_the_plan_stays_as_it_was(
    plan: Plan, setting: Setting
) -> None:
    before = {name: model.config.SerializeToString() for name, model in plan.models.items()}
    after = apply_setting(plan, setting)
    for (model, path), value in setting.by_key.items():
        assert read_value(after, model, path) == value
    assert {n: m.config.SerializeToString() for n, m in plan.models.items()} == before


@given(settings(), settings())
def test_settings_that_are_applied_to_the_same_plan_do_not_mix(
    plan: Plan, one: Setting, other: Setting
) -> None:
    apply_setting(plan, one)
    again = apply_setting(plan, other)
    touched = {model for model, _, _ in other.values}
    assert set(changed_models(plan, again)) <= {*touched, "pipe"}


@given(settings())
def test_an_ensemble_never_takes_more_rows_than_its_steps(plan: Plan, setting: Setting) -> None:
    after = apply_setting(plan, setting)
    sizes = [after.models[name].config.max_batch_size for name in "ab"]
    assert after.models["pipe"].config.max_batch_size == min(sizes)


def test_an_ensembles_own_limit_is_kept_where_its_steps_allow_it(tmp_path: Path) -> None:
    said = CHAIN.replace("pipe: {", "pipe: {max_batch_size: 3, ")
    plan = planned(tmp_path, LOAD, said)
    sizes = {
        size: apply_setting(plan, Setting.of({("b", "max_batch_size"): size}))
        .models["pipe"]
        .config.max_batch_size
        for size in (1, 2, 8)
    }
    assert sizes == {1: 1, 2: 2, 8: 3}


def test_changed_models_name_members_before_the_ensemble(plan: Plan) -> None:
    after = apply_setting(plan, Setting.of({("b", "max_batch_size"): 1}))
    assert changed_models(plan, after) == ("b", "pipe")


def test_preferred_sizes_and_warm_ups_above_a_smaller_batch_follow(tmp_path: Path) -> None:
    said = CHAIN.replace(
        "max_batch_size: 8\n    dynamic_batching: {}",
        "max_batch_size: 8\n    dynamic_batching: {preferred_batch_size: [2, 8]}\n"
        "    model_warmup: [{name: w, batch_size: 8, inputs: "
        "{X: {data_type: TYPE_FP32, dims: [2], zero_data: true}}}]",
    )
    plan = planned(tmp_path, LOAD, said)
    config: ModelConfig = (
        apply_setting(plan, Setting.of({("a", "max_batch_size"): 4})).models["a"].config
    )
    assert list(config.dynamic_batching.preferred_batch_size) == [2]
    assert config.model_warmup[0].batch_size == 4


def test_only_the_servers_own_parameters_need_a_restart() -> None:
    small = Setting.of({("", "response_cache.local.size"): 1, ("a", "max_batch_size"): 1})
    assert not needs_restart(small, small.changed({("a", "max_batch_size"): 2}))
    assert needs_restart(small, small.changed({("", "response_cache.local.size"): 2}))
    assert not needs_restart(Setting.of({("", "rate"): 1}), Setting.of({("", "rate"): 2}))


def test_the_servers_cache_is_set(plan: Plan) -> None:
    after = apply_setting(plan, Setting.of({("", "response_cache.local.size"): 1 << 20}))
    assert after.server.response_cache is not None
    assert after.server.response_cache.local is not None
    assert after.server.response_cache.local.size == 1 << 20
    assert plan.server.response_cache is None


def test_values_are_written_as_a_spec_says_them() -> None:
    assert written("instance_group.kind", "KIND_CPU") == "cpu"
    assert written("dynamic_batching.preferred_batch_size", (4, 8)) == [4, 8]
    assert written("max_batch_size", 4) == 4
