"""The rules of Triton's batcher, as the sequences of batch sizes that the real server gave."""

import pytest
from tests.unit.simulate.made import batches, sizes, station


def test_without_a_delay_the_last_batch_grows_until_an_instance_takes_it() -> None:
    assert sizes(station(), (0, 1), (20, 3), (60, 2)) == [1, 5]


def test_without_a_delay_a_batch_grows_to_the_largest_preferred_size_and_no_further() -> None:
    made = station(max_batch_size=16, preferred=(8,))
    assert sizes(made, (0, 1), (20, 6), (60, 6)) == [1, 8, 4]


def test_without_a_delay_any_preferred_size_that_is_found_is_sent() -> None:
    made = station(max_batch_size=16, preferred=(4, 8))
    assert sizes(made, (0, 1), (20, 6), (60, 6)) == [1, 4, 8]


def test_batches_are_formed_ahead_for_two_executions_of_each_instance() -> None:
    # Two wait formed; the others are joined only when there is room again.
    made = station(max_batch_size=2)
    assert sizes(made, (0, 1), (10, 2), (20, 2), (30, 1), (40, 1), (50, 1)) == [1, 2, 2, 2, 1]


def test_with_a_delay_a_lone_request_waits_for_all_of_it_while_the_instance_is_idle() -> None:
    assert batches(station(delay_us=30_000), (0, 1)) == [(130, 1)]


def test_reaching_the_preferred_size_sends_at_once() -> None:
    assert batches(station(delay_us=30_000), (0, 5), (10, 3)) == [(110, 8)]


def test_the_delay_counts_from_arrival_while_all_instances_are_busy_too() -> None:
    # Formed at 70 while the first is executed until 130, so it does not wait again at 130.
    assert batches(station(delay_us=30_000), (0, 1), (40, 3)) == [(130, 1), (230, 3)]


def test_an_expired_delay_takes_whatever_fits() -> None:
    # 5 and 3 are formed and merged; then there is room, and the oldest of six has waited for 40.
    made = station(max_batch_size=16, preferred=(4,), delay_us=30_000)
    assert sizes(made, (0, 4), (10, 4), (20, 4), (60, 6)) == [4, 8, 6]


def test_with_a_delay_a_formed_batch_does_not_grow_by_a_few() -> None:
    assert sizes(station(delay_us=20_000), (0, 1), (30, 3), (110, 2)) == [1, 3, 2]


def test_where_shapes_may_differ_every_arrival_is_looked_at_so_it_grows() -> None:
    assert sizes(station(delay_us=20_000, wakes=True), (0, 1), (30, 3), (110, 2)) == [1, 5]


def test_batches_older_than_the_delay_are_merged_and_one_that_does_not_fit_is_frozen() -> None:
    assert sizes(station(delay_us=10_000), (0, 1), (20, 8), (40, 6), (60, 3)) == [1, 8, 6, 3]


def test_batches_older_than_the_delay_are_merged_where_they_fit() -> None:
    made = station(max_batch_size=16, preferred=(4,), delay_us=10_000)
    assert sizes(made, (0, 1), (20, 4), (40, 5)) == [1, 9]


def test_a_full_batch_of_a_preferred_size_below_the_largest_grows_by_one() -> None:
    made = station(max_batch_size=16, preferred=(8,), delay_us=50_000)
    assert sizes(made, (0, 8), (20, 8), (30, 1), (60, 7)) == [8, 9, 7]


def test_preferred_sizes_below_the_largest_cap_batches_without_a_delay() -> None:
    assert sizes(station(max_batch_size=16, preferred=(8,)), (0, 1), (20, 15)) == [1, 8, 7]


def test_without_a_batcher_one_request_is_one_execution() -> None:
    assert sizes(station(batching=False), (0, 2), (10, 1)) == [1, 1, 1]


def test_with_queue_policies_batches_are_formed_only_for_an_idle_instance() -> None:
    early = station(delay_us=10_000)
    assert sizes(early, (0, 1), (20, 3), (60, 3)) == [1, 3, 3]
    assert sizes(station(delay_us=10_000, early=False), (0, 1), (20, 3), (60, 3)) == [1, 6]


@pytest.mark.parametrize(("instances", "ends"), [(1, [100, 200, 300]), (2, [100, 200])])
def test_instances_work_side_by_side(instances: int, ends: list[int]) -> None:
    made = station(max_batch_size=2, instances=instances)
    assert [end for end, _ in batches(made, (0, 6))] == ends


def test_a_table_s_end_goes_on_for_rows_beyond_it() -> None:
    made = station(ms=(10.0, 12.0), max_batch_size=4)
    assert batches(made, (0, 4)) == [(16, 4)]
