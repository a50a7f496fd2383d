"""Measurements become profiles that tell how long steps take where nothing disturbs them."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from pydantic import TypeAdapter
from tests.unit.measure.made import figures, latency, load, server, times

from tritongen.errors import MeasureError
from tritongen.records.loadtest import Arrivals, Closed
from tritongen.records.measurement import Bottleneck, Measurement, ModelTimes
from tritongen.records.messages import ModelConfig
from tritongen.records.profile import Profile, StepProfile, Timing
from tritongen.records.system import Route, Station, StationOutcome, System, Visit
from tritongen.simulate import Observation, merged, profile_key, profiled, simulate, system_of
from tritongen.simulate.profiles import FRONT_MS
from tritongen.simulate.timings import table


def config(name: str = "m", **said: Any) -> ModelConfig:
    made = ModelConfig(name=name, backend="onnxruntime", max_batch_size=8, **said)
    made.instance_group.add(kind="KIND_CPU", count=1)
    made.dynamic_batching.SetInParent()
    return made


def users(count: int) -> Arrivals:
    return Arrivals(closed=Closed(users=count))


def observed(system: System, configs: Mapping[str, ModelConfig], count: int) -> Observation:
    """Put a system under a closed loop, as if it had been measured."""
    outcome = simulate(system, users(count), seconds=20)
    models = [
        _times(station, seen)
        for station, seen in zip(system.stations, outcome.stations, strict=True)
    ]
    busy = sum(
        station.cpu * _alone(station, seen) * seen.rate_rps / 1000
        for station, seen in zip(system.stations, outcome.stations, strict=True)
    )
    outside = outcome.p50_ms - sum(seen.service_ms + seen.queue_ms for seen in outcome.stations)
    total = figures(
        outcome.answered,
        rate_rps=outcome.throughput_rps,
        latency=latency(outcome.p50_ms, p90_ms=outcome.p90_ms),
    )
    measured = Measurement(
        load=load(models={route.model: 1.0 for route in system.routes}, users=count, rate_rps=None),
        started_at="",
        window_s=20.0,
        total=total,
        requests={},
        server=replace(
            server(*models),
            window_s=20.0,
            cpu_cores=busy + FRONT_MS * outcome.throughput_rps / 1000,
        ),
        bottleneck=Bottleneck(
            sentence="", limit="", steps=(), client_ms=outside, client_share=None
        ),
        verdicts=(),
        distrust=(),
        partial=None,
        stable=None,
        saturated=None,
        environment={},
        client={"workers": [{"cpu": system.overheads.send_ms * outcome.throughput_rps / 1000}]},
    )
    return Observation(measurement=measured, configs=configs, arrivals=users(count))


def _alone(station: Station, seen: StationOutcome) -> float:
    """Return the ms of core time for a request."""
    rows = sum(size * count for size, count in seen.batches.items())
    return sum(station.ms[size - 1] * count for size, count in seen.batches.items()) / rows


def _times(station: Station, seen: StationOutcome) -> ModelTimes:
    alone = sum(station.ms[size - 1] * size * count for size, count in seen.batches.items())
    rows = sum(size * count for size, count in seen.batches.items())
    slowed = seen.service_ms * rows / alone
    return times(
        station.model,
        executions=sum(seen.batches.values()),
        batches=seen.batches,
        batch_ms={size: station.ms[size - 1] * slowed for size in seen.batches},
        busy_s=seen.utilisation * station.instances * 20,
        total_ms=seen.service_ms + seen.queue_ms,
    )


def system(**said: Any) -> System:
    made = Station(
        model="m", instances=1, max_batch_size=8, ms=tuple(10.0 + n for n in range(1, 9))
    )
    return System(
        stations=(replace(made, **said),), routes=(Route(model="m", visits=(Visit(station=0),)),)
    )


KEYS = {"m": "key of m"}


def test_times_that_were_measured_come_back_and_the_others_are_on_their_line() -> None:
    seen = [observed(system(), {"m": config()}, count) for count in (1, 4)]
    step = profiled(seen, keys=KEYS, cores=None).steps["key of m"]
    assert table(step, 8) == pytest.approx([10.0 + n for n in range(1, 9)], rel=0.02)


def test_steps_that_slow_each_other_down_on_shared_cores_are_told_apart_from_slow_steps() -> None:
    truth = replace(system(cpu=1.0, instances=3), cores=2.0)
    two = config()
    two.instance_group[0].count = 3
    seen = [observed(truth, {"m": two}, count) for count in (1, 12)]
    measured = seen[1].measurement.server
    model = measured.model("m") if measured else None
    assert model is not None
    assert max(ms / (10 + n) for n, ms in model.batch_ms.items()) > 1.3
    profile = profiled(seen, keys=KEYS, cores=2)
    step = profile.steps["key of m"]
    assert step.cpu > 0.8
    assert table(step, 4) == pytest.approx([11.0, 12.0, 13.0, 14.0], rel=0.1)


def test_a_step_that_sleeps_is_found_to_need_no_cores() -> None:
    seen = [observed(replace(system(), cores=2.0), {"m": config()}, count) for count in (1, 6)]
    assert profiled(seen, keys=KEYS, cores=2).steps["key of m"].cpu < 0.1


def test_a_profile_predicts_a_configuration_that_was_never_measured() -> None:
    seen = [observed(system(), {"m": config()}, count) for count in (1, 4, 16)]
    profile = profiled(seen, keys=KEYS, cores=None)
    changed = config()
    changed.instance_group[0].count = 2
    changed.max_batch_size = 4
    told = simulate(system_of({"m": changed}, {"m": 1.0}, profile, keys=KEYS), users(12))
    truth = simulate(system(instances=2, max_batch_size=4), users(12))
    assert told.throughput_rps == pytest.approx(truth.throughput_rps, rel=0.05)
    assert told.mean_ms == pytest.approx(truth.mean_ms, rel=0.05)


def test_what_is_known_is_kept_and_added_to() -> None:
    first = profiled([observed(system(), {"m": config()}, 1)], keys=KEYS, cores=None)
    both = profiled([observed(system(), {"m": config()}, 8)], keys=KEYS, cores=None, known=first)
    assert {timing.rows for timing in both.steps["key of m"].timings} > {1}
    assert both.overheads.client_ms <= first.overheads.client_ms
    assert merged(first, first).steps["key of m"].timings == first.steps["key of m"].timings * 2
    assert merged() == Profile()


def test_configurations_that_are_read_stay_as_they_are() -> None:
    said = config()
    profiled([observed(system(), {"m": said}, 2)], keys=KEYS, cores=2)
    assert said == config()


def test_a_model_that_does_not_batch_takes_its_time_whatever_the_rows() -> None:
    plain = ModelConfig(name="m", backend="python", max_batch_size=0)
    profile = Profile(steps={"m": made((1, 10.0, 100))}, cores=2)
    made_of = system_of({"m": plain}, {"m": 1.0}, profile, keys={"m": "m"}, rows=(4, 4))
    assert simulate(made_of, users(1), seconds=5).p50_ms == pytest.approx(11, abs=0.6)


def test_a_profile_survives_as_json() -> None:
    profile = profiled([observed(system(), {"m": config()}, 2)], keys=KEYS, cores=2)
    assert TypeAdapter(Profile).validate_python(asdict(profile)) == profile


def test_a_key_is_of_what_determines_the_time_of_a_step() -> None:
    key = profile_key(config(), "files")
    same = config()
    same.instance_group[0].count = 3
    same.max_batch_size = 32
    same.dynamic_batching.max_queue_delay_microseconds = 100
    assert profile_key(same, "files") == key
    assert profile_key(config(), "other files") != key
    threads = config()
    threads.parameters["intra_op_thread_count"].string_value = "2"
    gpu = config()
    gpu.instance_group[0].kind = gpu.instance_group[0].KIND_GPU
    assert len({key, profile_key(threads, "files"), profile_key(gpu, "files")}) == 3


# ---- tables ----


def made(*timings: tuple[int, float, int]) -> StepProfile:
    seen = tuple(Timing(rows=rows, ms=ms, executions=count) for rows, ms, count in timings)
    return StepProfile(key="k", model="m", timings=seen)


def test_a_size_that_was_seen_once_counts_less_than_the_line_through_the_others() -> None:
    odd = table(made((1, 10, 500), (2, 60, 1), (3, 12, 500), (8, 17, 500)), 8)
    assert odd[1] < 25
    assert odd[7] == pytest.approx(17, rel=0.1)


def test_a_table_never_falls_and_goes_on_beyond_what_was_seen() -> None:
    times_by_rows = table(made((1, 10, 100), (4, 13, 100), (6, 12.5, 100)), 10)
    assert list(times_by_rows) == sorted(times_by_rows)
    assert times_by_rows[9] > times_by_rows[5]


def test_one_size_alone_is_taken_to_grow_by_half_of_itself() -> None:
    assert table(made((1, 10, 100)), 3) == pytest.approx((10, 15, 20))


# ---- systems ----


def ensemble(name: str, *steps: tuple[str, dict[str, str], dict[str, str]]) -> ModelConfig:
    made = ModelConfig(name=name, platform="ensemble")
    inputs = {source for _, reads, _ in steps for source in reads.values()}
    outputs = {target for _, _, writes in steps for target in writes.values()}
    for tensor in sorted(inputs - outputs):
        made.input.add(name=tensor)
    for tensor in sorted(outputs - inputs):
        made.output.add(name=tensor)
    for model, reads, writes in steps:
        step = made.ensemble_scheduling.step.add(model_name=model, model_version=-1)
        for key, value in reads.items():
            step.input_map[key] = value
        for key, value in writes.items():
            step.output_map[key] = value
    return made


def route(configs: Mapping[str, ModelConfig], model: str) -> list[tuple[str, tuple[int, ...]]]:
    step = made((1, 1.0, 10))
    profile = Profile(steps=dict.fromkeys(configs, step))
    system = system_of(configs, {model: 1.0}, profile, keys={name: name for name in configs})
    return [(system.stations[v.station].model, v.after) for v in system.routes[0].visits]


def test_an_ensemble_s_tensors_say_who_waits_for_whom_whatever_the_order_of_its_steps() -> None:
    configs = {name: config(name) for name in "abcd"}
    configs["e"] = ensemble(
        "e",
        ("d", {"x": "left", "z": "right"}, {"y": "out"}),
        ("b", {"x": "first"}, {"y": "left"}),
        ("a", {"x": "in"}, {"y": "first"}),
        ("c", {"x": "first"}, {"y": "right"}),
    )
    visits = route(configs, "e")
    assert [model for model, _ in visits] == ["a", "b", "c", "d"]
    assert [after for _, after in visits] == [(), (0,), (0,), (1, 2)]


def test_who_reads_a_tensor_of_long_ago_too_waits_only_for_the_last() -> None:
    configs = {name: config(name) for name in "ab"}
    configs["e"] = ensemble(
        "e", ("a", {"x": "in"}, {"y": "mid"}), ("b", {"x": "in", "z": "mid"}, {"y": "out"})
    )
    assert route(configs, "e") == [("a", ()), ("b", (0,))]


def test_an_ensemble_in_an_ensemble_begins_as_one_and_ends_as_one() -> None:
    configs = {name: config(name) for name in "abcd"}
    configs["inner"] = ensemble(
        "inner", ("b", {"x": "in"}, {"y": "one"}), ("c", {"x": "in"}, {"y": "two"})
    )
    configs["outer"] = ensemble(
        "outer",
        ("a", {"x": "start"}, {"y": "mid"}),
        ("inner", {"in": "mid"}, {"one": "left", "two": "right"}),
        ("d", {"x": "left"}, {"y": "end"}),
    )
    visits = route(configs, "outer")
    assert visits == [("a", ()), ("b", (0,)), ("c", (0,)), ("d", (1, 2))]


def test_a_model_asked_twice_is_one_station() -> None:
    configs = {"a": config("a")}
    configs["e"] = ensemble(
        "e", ("a", {"x": "in"}, {"y": "mid"}), ("a", {"x": "mid"}, {"y": "out"})
    )
    assert route(configs, "e") == [("a", ()), ("a", (0,))]


def test_a_configuration_becomes_a_station() -> None:
    said = config()
    said.instance_group[0].kind = said.instance_group[0].KIND_GPU
    said.instance_group[0].gpus.extend([0, 1])
    said.dynamic_batching.preferred_batch_size.append(4)
    said.dynamic_batching.max_queue_delay_microseconds = 500
    said.dynamic_batching.priority_levels = 2
    said.input.add(name="x", dims=[-1, 3])
    profile = Profile(steps={"m": made((1, 1.0, 10))})
    (station,) = system_of({"m": said}, {"m": 1.0}, profile, keys={"m": "m"}).stations
    assert (station.instances, station.gpus) == (2, (0, 1))
    assert (station.preferred, station.delay_us) == ((4,), 500)
    assert (station.wakes, station.early, station.batching) == (True, False, True)


def test_a_step_that_was_not_measured_as_it_is_now_is_refused() -> None:
    with pytest.raises(MeasureError, match="not known how long model 'm' takes"):
        system_of({"m": config()}, {"m": 1.0}, Profile(), keys={"m": "another"})


def test_sequences_are_refused() -> None:
    said = config()
    said.ClearField("dynamic_batching")
    said.sequence_batching.SetInParent()
    profile = Profile(steps={"m": made((1, 1.0, 10))})
    with pytest.raises(MeasureError, match="sequence batching"):
        system_of({"m": said}, {"m": 1.0}, profile, keys={"m": "m"})
