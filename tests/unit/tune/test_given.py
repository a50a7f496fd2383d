"""Servers that run already: what is said before one is touched, replicas as one server."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.unit.tune.made import LOAD, planned

from tritongen.cli.given import at_url, in_stack
from tritongen.errors import SpecError, ToolMissingError
from tritongen.records.instances import instances
from tritongen.stages.tune import replicated
from tritongen.triton import Statistics, together


def refused(folder: Path, text: str) -> SpecError:
    with pytest.raises(SpecError) as told, ExitStack() as within:
        in_stack(planned(folder, LOAD + text), folder, "grpc", {}, within)
    return told.value


def test_a_stack_whose_models_can_not_be_changed_is_told_with_a_remedy(tmp_path: Path) -> None:
    error = refused(tmp_path, "stack: {}\n")
    assert error.message == "the stack does not let its models be changed while it runs"
    assert "mode none" in error.why
    assert "model_control_mode: explicit" in error.fix


def test_a_spec_without_a_stack_has_none_to_tune(tmp_path: Path) -> None:
    assert refused(tmp_path, "").message == "the spec has no stack"


def test_a_stack_wants_docker_before_anything_else_is_said(tmp_path: Path) -> None:
    text = "server: {model_control_mode: explicit, load_model: '*'}\nstack: {}\n"
    plan = planned(tmp_path, LOAD + text)
    with pytest.raises(ToolMissingError), ExitStack() as within:
        in_stack(plan, tmp_path, "grpc", {"PATH": str(tmp_path)}, within)


def test_a_load_over_http_wants_both_ports(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as told:
        at_url("10.0.0.5:8001", "http", tmp_path)
    assert told.value.fix == "name both: --url 10.0.0.5:8001,http://HOST:8000"
    given = at_url("10.0.0.5:8001,http://10.0.0.5:8000", "http", tmp_path)
    assert (given.target.address, given.target.protocol) == ("10.0.0.5:8000", "http")
    assert [*given.reach()] == ["10.0.0.5:8001"]


def test_replicas_count_as_one_server_with_the_instances_of_all(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    three = replicated(plan, 3)
    assert {n: instances(m.config) for n, m in three.models.items()} == {"a": 3, "b": 3, "pipe": 0}
    assert instances(plan.models["a"].config) == 1
    assert replicated(plan, 1) is plan


def counted(name: str, **said: Any) -> Statistics:
    numbers = dict.fromkeys(
        (
            *("inference_count", "execution_count", "success_count", "success_ns", "fail_count"),
            *("queue_ns", "compute_input_ns", "compute_infer_ns", "compute_output_ns"),
            *("cache_hit_count", "cache_miss_count"),
        ),
        1,
    )
    return Statistics(name=name, version="1", **{**numbers, "batches": {}, **said})


def test_counters_of_replicas_are_added() -> None:
    a = counted("m", batches={1: 2, 4: 1}, busy_ns=5)
    b = counted("m", batches={4: 2, 8: 1}, busy_ns=7, fail_count=3)
    lone = counted("n")
    both, other = together([[a, lone], [b]])
    assert both.batches == {1: 2, 4: 3, 8: 1}
    assert (both.busy_ns, both.fail_count, both.queue_ns) == (12, 4, 2)
    assert other == lone
