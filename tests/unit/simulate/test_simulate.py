"""What queueing theory knows in closed form, and what holds of any system."""

from dataclasses import replace
from math import factorial, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.simulate.made import FREE, alone, station

from tritongen.records.loadtest import Arrivals, Burst, Closed, Paced, Stage
from tritongen.records.system import Overheads, Route, System, Visit
from tritongen.simulate import simulate

SINGLE = station(batching=False, max_batch_size=0, ms=(10.0,))


def users(count: int) -> Arrivals:
    return Arrivals(closed=Closed(users=str(count)))


def poisson(rate: float) -> Arrivals:
    return Arrivals(poisson=Paced(rate=f"{rate}/s"))


# ---- closed forms ----


@pytest.mark.parametrize("load", [0.3, 0.7, 0.85])
def test_waiting_for_one_instance_of_constant_time_is_as_pollaczek_and_khinchine_say(
    load: float,
) -> None:
    outcome = simulate(alone(SINGLE), poisson(100 * load), seconds=400, seed=1)
    waiting = load * 10 / (2 * (1 - load))
    assert outcome.stations[0].queue_ms == pytest.approx(waiting, rel=0.12, abs=0.05)
    assert outcome.stations[0].utilisation == pytest.approx(load, rel=0.03)


@pytest.mark.parametrize("instances", [1, 3])
def test_waiting_for_instances_of_exponential_time_is_as_erlang_says(instances: int) -> None:
    made = replace(SINGLE, instances=instances, spread=1.0)
    load = 0.75 * instances
    outcome = simulate(alone(made), poisson(100 * load), seconds=400, seed=2)
    all_busy = load**instances / factorial(instances) / (1 - load / instances)
    waits = all_busy / (sum(load**k / factorial(k) for k in range(instances)) + all_busy)
    waiting = waits * 10 / (instances - load)
    assert outcome.stations[0].queue_ms == pytest.approx(waiting, rel=0.15)


def test_one_exponential_instance_has_exponential_latencies() -> None:
    outcome = simulate(alone(replace(SINGLE, spread=1.0)), poisson(50), seconds=1000, seed=3)
    mean = 10 / (1 - 0.5)
    assert outcome.mean_ms == pytest.approx(mean, rel=0.08)
    assert outcome.p50_ms == pytest.approx(mean * log(2), rel=0.08)
    assert outcome.p99_ms == pytest.approx(mean * log(100), rel=0.15)


def test_a_core_that_many_share_serves_as_processor_sharing_does() -> None:
    # The mean time there depends on the mean work alone: s / (1 - load).
    made = replace(SINGLE, instances=60, cpu=1.0)
    outcome = simulate(alone(made, cores=1.0), poisson(60), seconds=300, seed=4)
    assert outcome.mean_ms == pytest.approx(10 / (1 - 0.6), rel=0.1)


def test_two_that_compute_on_one_core_take_twice_as_long_and_two_that_sleep_do_not() -> None:
    made = replace(SINGLE, instances=2, cpu=1.0)
    computing = simulate(alone(made, cores=1.0), users(2), seconds=5)
    sleeping = simulate(alone(replace(made, cpu=0.0), cores=1.0), users(2), seconds=5)
    assert computing.p50_ms == pytest.approx(20, rel=0.02)
    assert sleeping.p50_ms == pytest.approx(10, rel=0.02)


def test_instances_on_one_gpu_share_it_but_for_their_copies() -> None:
    made = replace(SINGLE, instances=2, gpus=(0,), gpu=0.5)
    assert 130 < simulate(alone(made), users(2), seconds=5).throughput_rps < 200
    busy = replace(made, gpu=1.0)
    assert simulate(alone(busy), users(2), seconds=5).throughput_rps == pytest.approx(100, rel=0.02)
    two = replace(busy, gpus=(0, 1))
    assert simulate(alone(two), users(2), seconds=5).throughput_rps == pytest.approx(200, rel=0.02)


def test_a_closed_loop_turns_in_the_time_of_its_slowest_station() -> None:
    slow, quick = station(model="slow", ms=(20.0,), batching=False), replace(SINGLE, model="quick")
    visits = (Visit(station=0), Visit(station=1, after=(0,)))
    system = System(
        stations=(slow, quick), routes=(Route(model="e", visits=visits),), overheads=FREE
    )
    outcome = simulate(system, users(5), seconds=10)
    assert outcome.throughput_rps == pytest.approx(50, rel=0.01)
    assert outcome.p50_ms == pytest.approx(5 * 20, rel=0.01)


def test_branches_are_waited_for_and_meet() -> None:
    times = {"begin": 2.0, "left": 30.0, "right": 10.0, "meet": 3.0}
    stations = tuple(replace(SINGLE, model=name, ms=(ms,)) for name, ms in times.items())
    visits = (
        Visit(station=0),
        Visit(station=1, after=(0,)),
        Visit(station=2, after=(0,)),
        Visit(station=3, after=(1, 2)),
    )
    system = System(stations=stations, routes=(Route(model="e", visits=visits),), overheads=FREE)
    outcome = simulate(system, users(1), seconds=5)
    assert outcome.p50_ms == pytest.approx(2 + 30 + 3, rel=0.01)
    assert all(each.rate_rps == pytest.approx(28.5, rel=0.02) for each in outcome.stations)


# ---- ensembles, arrivals, overheads ----


def test_responses_that_leave_one_by_one_split_the_batch_at_the_next_step() -> None:
    # The next instance is awake long before the second response comes, and busy until the last has.
    first = station(model="first", release_ms=5)
    second = station(model="second", ms=(50.0,) * 8)
    visits = (Visit(station=0), Visit(station=1, after=(0,)))
    system = System(
        stations=(first, second), routes=(Route(model="e", visits=visits),), overheads=FREE
    )
    outcome = simulate(system, Arrivals(burst=Burst(size="8", every="1s")), seconds=10)
    assert set(outcome.station("first").batches) == {8}
    assert set(outcome.station("second").batches) == {1, 7}


def test_what_a_request_costs_besides_is_added() -> None:
    costs = Overheads(send_ms=3, receive_ms=1, answer_ms=2, client_ms=4, cpu_ms=0)
    outcome = simulate(alone(SINGLE, overheads=costs), users(1), seconds=5)
    assert outcome.p50_ms == pytest.approx(10 + 3 + 1 + 2 + 4, rel=0.01)


def test_models_of_a_mix_are_asked_by_their_weights() -> None:
    other = replace(SINGLE, model="other")
    routes = (
        Route(model="m", visits=(Visit(station=0),), weight=3.0),
        Route(model="other", visits=(Visit(station=1),), weight=1.0),
    )
    system = System(stations=(SINGLE, other), routes=routes, overheads=FREE)
    outcome = simulate(system, poisson(40), seconds=100)
    assert outcome.station("m").rate_rps == pytest.approx(30, rel=0.1)
    assert outcome.station("other").rate_rps == pytest.approx(10, rel=0.15)


def test_rows_of_requests_fill_batches() -> None:
    system = alone(station(ms=tuple(10.0 + n for n in range(8))))
    wide = replace(system, routes=(replace(system.routes[0], rows=(4, 4)),))
    assert set(simulate(wide, users(8), seconds=5).stations[0].batches) == {8}
    mixed = replace(system, routes=(replace(system.routes[0], rows=(1, 3)),))
    assert len(simulate(mixed, users(8), seconds=5).stations[0].batches) > 2


def test_stages_a_trace_and_a_constant_rate_are_sent_as_they_say() -> None:
    stages = Arrivals(
        stages=(
            Stage.model_validate({"duration": "5s", "rate": "20/s", "from": "2/s"}),
            Stage.model_validate({"duration": "5s", "rate": "20/s"}),
        )
    )
    assert simulate(alone(SINGLE), stages, seconds=10, warmup_s=0).offered == 155
    assert simulate(alone(SINGLE), Arrivals(constant=Paced(rate="30/s")), seconds=10).offered == 300
    trace = Arrivals(trace="times.csv")
    outcome = simulate(alone(SINGLE), trace, seconds=10, warmup_s=0, trace_s=(1, 2, 3.5))
    assert (outcome.offered, outcome.answered) == (3, 3)


def test_more_than_can_be_answered_is_told() -> None:
    assert simulate(alone(SINGLE), poisson(150), seconds=10).saturated
    assert not simulate(alone(SINGLE), poisson(50), seconds=10).saturated


def test_users_in_step_and_users_apart_can_end_differently_and_that_is_told() -> None:
    # As many users as two instances hold: in step, or in halves that wait for each other's delay.
    made = station(instances=2, delay_us=10_000, ms=tuple(20.0 + n for n in range(8)))
    outcome = simulate(alone(made), users(16), seconds=10, starts=3)
    assert outcome.bistable
    assert outcome.spread > 0.08
    assert not simulate(alone(SINGLE), users(4), seconds=10, starts=3).bistable


# ---- what holds of any system ----

STATIONS = st.builds(
    station,
    instances=st.integers(1, 3),
    max_batch_size=st.integers(1, 12),
    batching=st.booleans(),
    delay_us=st.sampled_from([0, 2000, 20_000]),
    wakes=st.booleans(),
    early=st.booleans(),
    preferred=st.sampled_from([(), (1,)]),
    cpu=st.sampled_from([0.0, 0.5, 1.0]),
    spread=st.sampled_from([0.0, 0.3]),
    ms=st.tuples(st.floats(1, 30), st.floats(30, 50)),
)


@settings(max_examples=25, deadline=None)
@given(STATIONS, st.integers(1, 20), st.integers(0, 99))
def test_every_request_is_answered_once_or_is_on_its_way(made, count, seed) -> None:
    system = alone(made, cores=2.0)
    outcome = simulate(system, users(count), seconds=2, warmup_s=0, seed=seed)
    assert 0 <= outcome.offered - outcome.answered <= count
    station_saw = outcome.stations[0]
    rows = sum(size * times for size, times in station_saw.batches.items())
    assert outcome.answered <= rows <= outcome.offered
    assert max(station_saw.batches) <= (max(made.max_batch_size, 1) if made.batching else 1)
    assert station_saw.utilisation <= 1.05


@settings(max_examples=20, deadline=None)
@given(STATIONS, st.integers(1, 12), st.integers(0, 99))
def test_the_same_seed_gives_the_same_outcome(made, count, seed) -> None:
    first, second = (simulate(alone(made), users(count), seconds=1, seed=seed) for _ in range(2))
    assert first == second


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 30), st.floats(1, 2), st.integers(1, 8), st.integers(1, 3))
def test_slower_steps_answer_less_and_more_instances_answer_more(ms, factor, count, more) -> None:
    made = replace(SINGLE, ms=(ms,))
    usual = simulate(alone(made), users(count), seconds=4)
    slower = simulate(alone(replace(made, ms=(ms * factor,))), users(count), seconds=4)
    wider = simulate(alone(replace(made, instances=1 + more)), users(count), seconds=4)
    assert slower.throughput_rps <= usual.throughput_rps * 1.01
    assert wider.throughput_rps >= usual.throughput_rps * 0.99
    assert wider.p50_ms <= usual.p50_ms * 1.01


def test_another_seed_gives_other_arrivals() -> None:
    first, second = (simulate(alone(SINGLE), poisson(60), seconds=5, seed=s) for s in (1, 2))
    assert first.mean_ms != second.mean_ms
