"""The one sentence: for each thing that can limit, a case in which it does."""

import pytest
from tests.unit.measure.made import figures, latency, load, server, times

from tritongen.records.measurement import Bottleneck, Figures, Load, Server
from tritongen.stages.measure.bottleneck import bottleneck, step


def found(load_: Load, total: Figures, seen: Server, cpu: float = 0.0) -> Bottleneck:
    said = bottleneck(load_, total, seen, cpu)
    assert said is not None
    return said


BUSY = {"busy_s": 19.4, "instances": 2, "queue_ms": 30.0, "compute_infer_ms": 19.4}


def test_a_saturated_step_limits_and_another_instance_would_move_it() -> None:
    said = found(load(), figures(), server(times("early"), times("late", **BUSY)))
    assert said.limit == "step"
    assert said.sentence == (
        "late limits: its 2 instances are 97% busy with 1.0 rows a batch, requests wait 30.0 of "
        "49.4 ms there; another instance would move it: `instance_group.count` 3"
    )


def test_with_all_cores_in_use_more_instances_are_not_proposed() -> None:
    full = server(times("late", **BUSY), cpu_cores=3.9)
    said = found(load(), figures(), full)
    assert "all 4 cores are in use" in said.sentence
    assert "another instance" not in said.sentence


def test_the_cores_that_the_generator_takes_are_not_left_to_the_server() -> None:
    shared = server(times("late", **BUSY), cpu_cores=1.3, cores=2)
    assert "all 2 cores are in use" in found(load(), figures(), shared, 0.6).sentence
    assert "another instance" in found(load(), figures(), shared, 0.1).sentence


def test_a_saturated_step_that_does_not_batch_is_told_to() -> None:
    alone = server(times("late", batching=False, **BUSY))
    assert "turn on its `dynamic_batching`" in found(load(), figures(), alone).sentence


def test_full_batches_ask_for_larger_ones() -> None:
    full = times("late", executions=64, **BUSY)
    said = found(load(), figures(), server(full))
    assert said.steps[0].batch_fill == pytest.approx(1000 / 64 / 16)
    assert "its batches are full: raise `max_batch_size`, or its instances" in said.sentence


def test_copying_is_named_where_it_is_most_of_the_time() -> None:
    copying = BUSY | {"queue_ms": 1.0, "compute_infer_ms": 4.0, "compute_input_ms": 15.0}
    said = found(load(), figures(), server(times("late", **copying)))
    assert "75% of its time copies tensors" in said.sentence


def test_a_queue_delay_limits_where_requests_wait_it_out_in_an_idle_model() -> None:
    waiting = times("late", queue_delay_us=20000, queue_ms=19.5)
    said = found(load(), figures(), server(times("early"), waiting))
    assert said.limit == "queue delay"
    assert said.sentence == (
        "waiting for a batch limits: requests wait 19.5 ms in late for its "
        "max_queue_delay_microseconds of 20000, while it is 10% busy; lower the delay"
    )


def test_a_queue_delay_of_a_busy_model_is_not_what_limits() -> None:
    waiting = times("late", queue_delay_us=2000, **BUSY)
    assert found(load(), figures(), server(waiting)).limit == "step"


def test_a_generator_that_fills_its_core_limits_whatever_the_server_does() -> None:
    said = found(load(), figures(), server(times("late", **BUSY)), 0.95)
    assert said.limit == "generator"
    assert "it uses 95% of its core; run it with more --processes" in said.sentence


def test_users_that_wait_limit_a_closed_loop() -> None:
    said = found(load(users=2, rate_rps=None), figures(), server(times("late")))
    assert said.limit == "users"
    assert "each of the 2 waits for its answer, and late, the busiest step, is 10%" in said.sentence


def test_the_way_to_the_server_limits_where_most_time_passes_outside() -> None:
    far = figures(service=latency(40.0))
    said = found(load(users=2, rate_rps=None), far, server(times("late"), whole_ms=5.0))
    assert said.limit == "client"
    assert said.client_ms == pytest.approx(35.0)
    assert "35.0 ms of a request (88%) pass outside of it" in said.sentence


def test_an_idle_server_is_limited_by_nothing_and_says_what_it_could_do() -> None:
    said = found(load(), figures(), server(times("early"), times("late", busy_s=2.0)))
    assert said.limit == "nothing"
    assert said.sentence == (
        "nothing limits at 100/s: late, the busiest step, is 20% busy, and could do about 500/s"
    )


def test_a_server_that_does_not_keep_up_with_idle_steps_is_told_so() -> None:
    behind = figures(answered=500, offered=1000, unsent=500)
    said = found(load(), behind, server(times("late")))
    assert said.limit == "behind"
    assert "500 of 1000 requests answered" in said.sentence


def test_full_processors_limit_where_no_single_step_does() -> None:
    half = {"busy_s": 5.0}
    full = server(times("early", **half), times("late", **half | {"busy_s": 6.0}), cpu_cores=3.8)
    said = found(load(), figures(), full)
    assert said.limit == "cpu"
    assert "3.8 of 4 cores, most in late" in said.sentence


def test_nothing_is_said_where_nothing_was_executed() -> None:
    assert bottleneck(load(), figures(), server(times("late", executions=0))) is None


def test_models_that_the_load_does_not_pass_are_left_out() -> None:
    other = times("other", busy_s=10.0)
    seen = server(times("late"))
    with_other = server(*seen.models[:1])
    both = Server(
        window_s=10.0,
        models=(*with_other.models, other),
        cpu_cores=None,
        cores=None,
        source="test",
    )
    assert [each.model for each in found(load(), figures(), both).steps] == ["late"]


def test_a_station_is_as_fast_as_its_instances_at_the_batches_seen() -> None:
    seen = step(times("late", busy_s=5.0, instances=2, executions=250), 10.0)
    assert seen.service_rps == pytest.approx(400.0)
    assert seen.utilisation == pytest.approx(0.25)
    assert seen.mean_batch == pytest.approx(4.0)
