"""Counters before and after become what happened in between."""

from typing import Any

import pytest

from tritongen.records.instances import instances
from tritongen.records.messages import ModelConfig
from tritongen.stages.measure.window import ServerSample, between, server
from tritongen.triton import Statistics


def counters(name: str = "m", version: str = "1", **said: Any) -> Statistics:
    usual: dict[str, Any] = dict.fromkeys(Statistics.__dataclass_fields__, 0)
    return Statistics(
        **usual | {"name": name, "version": version, "batches": {}, "batch_ns": {}} | said
    )


def sample(at_s: float, *rows: Statistics, **said: Any) -> ServerSample:
    return ServerSample(at_s=at_s, models=rows, **said)


CONFIG = ModelConfig(name="m", backend="onnxruntime", max_batch_size=8)
FIRST = {"success_count": 10, "success_ns": 10_000_000, "queue_ns": 5_000_000, "busy_ns": 10**9}
LAST = {"success_count": 30, "success_ns": 70_000_000, "queue_ns": 25_000_000, "busy_ns": 3 * 10**9}


def test_what_was_before_the_window_is_not_counted() -> None:
    samples = [
        sample(100.0, counters(**FIRST, batches={1: 5}), cpu_s=3.0, memory_bytes=7),
        sample(110.0, counters(**LAST, batches={1: 5, 4: 2}), cpu_s=8.0, memory_bytes=9),
    ]
    seen = server(samples, {"m": CONFIG}, cores=2, source="test")
    assert seen is not None
    (model,) = seen.models
    assert (model.requests, model.total_ms, model.queue_ms) == (20, 3.0, 1.0)
    assert (model.busy_s, model.batches) == (2.0, {4: 2})
    assert (seen.window_s, seen.cpu_cores, seen.memory_bytes) == (10.0, 0.5, (7, 9))


def test_a_batch_size_s_mean_time_is_that_of_its_executions_in_the_window() -> None:
    samples = [
        sample(0.0, counters(success_count=1, batches={1: 5}, batch_ns={1: 50_000_000})),
        sample(
            1.0, counters(success_count=9, batches={1: 7, 4: 2}, batch_ns={1: 60_000_000, 4: 10**7})
        ),
    ]
    seen = server(samples, {"m": CONFIG}, cores=None, source="test")
    assert seen is not None
    assert seen.models[0].batch_ms == {1: 5.0, 4: 5.0}


def test_versions_are_counted_together_and_a_reloaded_one_from_zero() -> None:
    samples = [
        sample(0.0, counters(success_count=100)),
        sample(10.0, counters(success_count=7), counters(version="2", success_count=5)),
    ]
    seen = server(samples, {"m": CONFIG}, cores=None, source="test")
    assert seen is not None
    assert seen.models[0].requests == 12


def test_samples_of_the_warm_up_and_after_the_end_are_left_out() -> None:
    samples = [sample(float(second)) for second in range(10)]
    inside = between(samples, 2.5, 7.5)
    assert [each.at_s for each in inside] == [3.0, 4.0, 5.0, 6.0, 7.0]
    assert list(between(samples, 8.5, 20.0)) == []
    assert server([], {"m": CONFIG}, cores=None, source="test") is None


def test_without_the_server_s_own_sum_busy_time_is_told_from_the_mean_batch() -> None:
    # Four requests in each of two executions; each of the eight counts its batch's 10 ms.
    row = {"success_count": 8, "execution_count": 2, "compute_infer_ns": 80_000_000}
    seen = server([sample(0, counters()), sample(1, counters(**row))], {"m": CONFIG},
                  cores=None, source="test")  # fmt: skip
    assert seen is not None
    assert seen.models[0].busy_s == pytest.approx(0.020)


def test_the_mean_of_what_waits_is_taken_over_all_samples() -> None:
    samples = [sample(at, counters(), pending={"m": at}) for at in (1.0, 2.0, 6.0)]
    seen = server(samples, {"m": CONFIG}, cores=None, source="test")
    assert seen is not None
    assert seen.models[0].pending == pytest.approx(3.0)


def test_instances_are_counted_as_triton_makes_them() -> None:
    config = ModelConfig(backend="python")
    assert instances(config) == 1
    assert instances(ModelConfig(backend="onnxruntime")) == 2
    config.instance_group.add(count=2)
    config.instance_group.add(count=1, gpus=[0, 1])
    assert instances(config) == 4
