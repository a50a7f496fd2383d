"""Every search keeps the contract of its table, on a surface that is known everywhere."""

import math
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

import pytest

from tritongen.parts import searches
from tritongen.parts.searches import SEARCHES, Guess, Proposal, Task, Tried, guided
from tritongen.parts.searches._task import objective, positions
from tritongen.records.study import Dimension, Score, Setting, Space
from tritongen.records.tune import Method

MODULES = {
    name: import_module(f"{searches.__name__}.{name}")
    for _, name, _ in iter_modules(searches.__path__)
    if not name.startswith("_")
}
SPACE = Space(
    tuple(
        Dimension(model=model, parameter=parameter, values=values, start=values[0])
        for model in "ab"
        for parameter, values in (
            ("max_batch_size", (1, 2, 4, 8, 16)),
            ("instance_group.count", (1, 2, 3, 4)),
        )
    )
)
CAP_MS = 30.0


def score(setting: Setting, off: float = 1.0) -> Score:
    """More is faster up to a point, and larger batches take longer."""
    rps, p99_ms = 100.0, 5.0
    for model in "ab":
        size = int(str(setting.by_key[model, "max_batch_size"]))
        count = int(str(setting.by_key[model, "instance_group.count"]))
        rps *= off * size**0.5 * count / (1 + 0.15 * count**2)
        p99_ms += 1.5 * size
    return Score(
        throughput_rps=rps,
        p50_ms=p99_ms / 2,
        p99_ms=p99_ms,
        error_rate=0,
        instances=1,
        cores=1,
        gpus=0,
        memory_bytes=1,
        cost_per_million=1 / rps,
        exceeded={"p99": p99_ms / CAP_MS} if p99_ms > CAP_MS else {},
    )


def tried(setting: Setting) -> Tried:
    made = score(setting)
    return Tried(setting=setting, score=made, ratios={"p99": made.p99_ms / CAP_MS})


def guess(settings: Sequence[Setting], fine: bool) -> list[Guess | None]:
    made = [score(setting, off=0.95) for setting in settings]
    return [Guess(score=each, ratios={"p99": each.p99_ms / CAP_MS}) for each in made]


def task(done: Sequence[Tried], left: int = 20) -> Task:
    return Task(space=SPACE, goal="throughput", tried=tuple(done), left=left, seed=1, guess=guess)


def walked(name: str, most: int) -> list[Tried]:
    done = [tried(SPACE.start)]
    while len(done) < most:
        found = SEARCHES[name].propose(task(done, most - len(done)))
        if not isinstance(found, Proposal):
            break
        done.append(tried(found.setting))
    return done


def best(done: Sequence[Tried]) -> float:
    held = [t.score.throughput_rps for t in done if t.score and t.score.feasible]
    return max(held, default=0.0)


def everything() -> list[Tried]:
    import itertools

    values = itertools.product(*(each.values for each in SPACE.dimensions))
    keys = [each.key for each in SPACE.dimensions]
    return [tried(Setting.of(dict(zip(keys, each, strict=True)))) for each in values]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_in_the_table_and_the_spec_can_say_it(name: str) -> None:
    assert MODULES[name] is SEARCHES[name]
    assert MODULES[name].__doc__
    assert set(get_args(Method)) == set(SEARCHES)


@pytest.mark.parametrize("name", SEARCHES)
def test_nothing_is_proposed_twice_and_all_of_it_is_in_the_space(name: str) -> None:
    done = walked(name, 15)
    settings = [each.setting for each in done]
    assert len(set(settings)) == len(settings)
    for setting in settings:
        for each in SPACE.dimensions:
            assert setting.by_key[each.key] in each.values


@pytest.mark.parametrize("name", SEARCHES)
def test_the_same_task_gets_the_same_answer(name: str) -> None:
    done = walked(name, 6)
    assert SEARCHES[name].propose(task(done)) == SEARCHES[name].propose(task(done))


@pytest.mark.parametrize("name", SEARCHES)
def test_a_failed_trial_is_not_tried_again(name: str) -> None:
    first = SEARCHES[name].propose(task([tried(SPACE.start)]))
    assert isinstance(first, Proposal)
    failed = Tried(setting=first.setting, score=None, ratios={})
    second = SEARCHES[name].propose(task([tried(SPACE.start), failed]))
    assert isinstance(second, Proposal)
    assert second.setting != first.setting


@pytest.mark.parametrize("name", SEARCHES)
def test_a_space_that_is_used_up_ends_the_search(name: str) -> None:
    assert not isinstance(SEARCHES[name].propose(task(everything())), Proposal)


@pytest.mark.parametrize(("name", "share"), [("guided", 0.99), ("tpe", 0.8), ("random", 0.5)])
def test_twenty_trials_come_near_the_best(name: str, share: float) -> None:
    assert best(walked(name, 20)) >= share * best(everything())


def test_guided_ends_where_nothing_promises_more_and_says_by_how_much() -> None:
    done = walked("guided", 40)
    assert len(done) < 20
    within = SEARCHES["guided"].propose(task(done))
    assert isinstance(within, float)
    assert 0 <= within < 0.05


def test_guided_without_a_simulation_still_searches() -> None:
    blind = Task(
        space=SPACE,
        goal="throughput",
        tried=(tried(SPACE.start),),
        left=5,
        seed=0,
        guess=lambda settings, fine: [None] * len(settings),
    )
    assert isinstance(SEARCHES["guided"].propose(blind), Proposal)


def test_guided_learns_that_the_simulation_is_wrong_everywhere() -> None:
    from tritongen.parts.searches._residual import THROUGHPUT, Residual

    places = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    means, devs = Residual(THROUGHPUT, places, [math.log(0.8)] * 3).at([[1.0, 0.0], [0.0, 0.0]])
    assert all(abs(mean - math.log(0.8)) < 0.03 for mean in means)
    assert devs[1] < devs[0] < THROUGHPUT.here


def test_the_hill_climb_begins_at_the_smallest_and_knows_sizes_and_counts_only() -> None:
    extra = Dimension(model="a", parameter="x", values=(1, 2), start=2)
    space = Space((*SPACE.dimensions, extra))
    begun = Task(space=space, goal="throughput", tried=(), left=9, seed=0, guess=lambda s, f: [])
    found = SEARCHES["hill_climb"].propose(begun)
    assert isinstance(found, Proposal)
    assert set(found.setting.by_key.values()) == {1, 2}
    assert found.setting.by_key["a", "x"] == 2


def test_the_hill_climb_measures_three_neighbours_before_a_step() -> None:
    dimensions = [replace(each, model=model) for model in "abcd" for each in SPACE.dimensions[:2]]
    space, done = Space(tuple(dimensions)), list[Tried]()
    for _ in range(4):
        begun = replace(task(done), space=space)
        found = SEARCHES["hill_climb"].propose(begun)
        assert isinstance(found, Proposal)
        assert math.hypot(*positions(space, found.setting)) <= 3
        done.append(tried(found.setting))
    assert len({each.setting for each in done}) == 4


def placed(*values: int) -> Setting:
    return Setting.of({d.key: value for d, value in zip(SPACE.dimensions, values, strict=True)})


def test_what_just_holds_a_limit_is_worth_less_than_what_surely_does() -> None:
    close, far = tried(placed(8, 3, 8, 3)), tried(placed(4, 3, 8, 3))
    assert objective(close.score, "throughput") > objective(far.score, "throughput")

    def doubted(settings: Sequence[Setting], fine: bool) -> list[Guess | None]:
        return [replace(each, doubt=0.2) for each in guess(settings, fine) if each]

    unsure = replace(task([close, far]), guess=doubted)
    assert guided.best_tried(task([close, far])) == [close.setting, far.setting]
    assert guided.best_tried(unsure) == [far.setting, close.setting]


def test_guided_learns_how_much_latencies_of_one_setting_differ() -> None:
    quiet = [tried(placed(size, count, 4, 2)) for size in (1, 2, 4, 8) for count in (1, 2, 3)]
    disturbed = [
        replace(each, ratios={"p99": each.ratios["p99"] * (1.5 if number % 2 else 0.7)})
        for number, each in enumerate(quiet)
    ]
    assert guided.noise(task(disturbed)) > 2 * guided.noise(task(quiet))


def test_what_only_short_simulations_promise_does_not_end_the_search() -> None:
    """A short look sees only the beginning of a queue that grows."""

    def hasty(settings: Sequence[Setting], fine: bool) -> list[Guess | None]:
        made = [each for each in guess(settings, True) if each]
        if fine:
            return list(made)
        return [replace(each, ratios={"p99": min(each.ratios["p99"], 0.9)}) for each in made]

    known = [tried(placed(*each)) for each in ((1, 1, 1, 1), (16, 4, 16, 4), (16, 4, 8, 4))]
    known.append(tried(placed(2, 1, 2, 1)))
    found = SEARCHES["guided"].propose(replace(task(known), guess=hasty))
    assert isinstance(found, Proposal)


def test_a_rate_that_holds_is_not_measured_again_with_other_settings() -> None:
    """At a rate that is kept all settings answer the same: only a higher one is better."""
    rates = tuple(range(40, 140, 5))
    space = Space(
        (*SPACE.dimensions, Dimension(model="", parameter="rate", values=rates, start=40))
    )

    def at(rate: int, *values: int) -> Setting:
        return placed(*values).changed({("", "rate"): rate})

    def known(setting: Setting, off: float = 1.0) -> tuple[Score, dict[str, float]]:
        rate = int(str(setting.by_key["", "rate"]))
        made = score(setting.configuration, off)
        p99_ms = off * made.p99_ms / max(1 - rate / 150, 0.01) ** 0.5
        return replace(made, throughput_rps=float(rate), p99_ms=p99_ms), {"p99": p99_ms / CAP_MS}

    def paced(settings: Sequence[Setting], fine: bool) -> list[Guess | None]:
        made = [known(setting, 0.8) for setting in settings]
        return [Guess(score=seen, ratios=ratios) for seen, ratios in made]

    done = []
    for setting in (
        at(40, 1, 1, 1, 1),
        at(100, 1, 2, 1, 2),
        at(135, 4, 2, 4, 2),
        at(60, 2, 2, 2, 2),
    ):
        seen, ratios = known(setting)
        done.append(Tried(setting=setting, score=seen, ratios=ratios))
    while isinstance(
        found := SEARCHES["guided"].propose(replace(task(done), space=space, guess=paced)), Proposal
    ):
        seen, ratios = known(found.setting)
        best = max(
            each.score.throughput_rps for each in done if each.score and each.ratios["p99"] <= 1
        )
        assert seen.throughput_rps > best
        done.append(Tried(setting=found.setting, score=seen, ratios=ratios))
    assert max(each.score.throughput_rps for each in done if each.score) > 100


def test_what_a_limit_is_not_on_may_differ_as_it_likes() -> None:
    steady = [tried(placed(size, count, 4, 2)) for size in (1, 2, 4, 8) for count in (1, 2, 3)]
    steady = [replace(each, ratios={"p95": each.ratios["p99"] * 0.8}) for each in steady]

    def limited(settings: Sequence[Setting], fine: bool) -> list[Guess | None]:
        made = [each for each in guess(settings, fine) if each]
        return [replace(each, ratios={"p95": each.ratios["p99"] * 0.8}) for each in made]

    disturbed = [
        replace(each, score=replace(each.score, p99_ms=each.score.p99_ms * (1.5 if n % 2 else 0.7)))
        for n, each in enumerate(steady)
        if each.score
    ]
    asked = [replace(task(each), guess=limited) for each in (steady, disturbed)]
    assert guided.noise(asked[0]) == guided.noise(asked[1])
    assert guided.best_tried(asked[0]) == guided.best_tried(asked[1])
