"""What one worker sends: at which times, of which kind, and what it counts of it."""

import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest
from load_answers import Answer, Failure
from load_choices import Choices, Kind, Place, Turns
from load_clock import Clock
from load_connections import Reply
from load_histograms import Counts
from load_payloads import Sample
from load_run import Part
from load_scenario import Arrivals, Request, Scenario, Sequences, Stage
from tests.unit.runtime.load.test_arrivals import distance


class Plain:
    """Requests that are made of nothing."""

    def encode(self, sample: int, number: int, step: object) -> bytes:
        return b"%d" % sample


class Server:
    """A connection that notes when requests go out, and answers as it is told."""

    def __init__(self, answer: Callable[[], None] = lambda: None) -> None:
        self.times: list[float] = []
        self.answer = answer

    def exchange(self, kind: Request, data: bytes) -> Reply:
        self.times.append(time.perf_counter())
        self.answer()
        return Reply((Answer(body=b""),))

    def close(self) -> None:
        pass


def kind(name: str = "k", **said: Any) -> Kind:
    request = Request(
        **{
            "name": name,
            "model": "m",
            "version": "",
            "payload": Path(),
            "weight": 1,
            "outputs": (),
            "parameters": {},
            "headers": {},
            "timeout_s": 1,
            "expect": None,
            "unique": None,
            "sequence": None,
            **said,
        }
    )
    samples = [Sample(inputs=(), outputs=())] * 4
    return Kind(request=request, samples=samples, ready=Plain())


def scenario(law: str, *stages: tuple[float, float, float], **said: Any) -> Scenario:
    arrivals = Arrivals(
        law=law,
        stages=tuple(Stage(start=a, end=b, seconds=s) for a, b, s in stages),
        size=said.pop("size", 0),
        every_s=said.pop("every_s", 0),
    )
    known = {"name": "", "protocol": "http", "address": "", "max_in_flight": 8, "lag_limit": 0.1}
    rest = {"seed": 1, "duration_s": 1, "warmup_s": 0, "text": "{}", "digest": "", "requests": ()}
    return Scenario(**{**known, **rest, "arrivals": arrivals, **said})


def send(said: Scenario, server: Server, *kinds: Kind) -> Part:
    """Run a part with all its users to the end."""
    gevent.sleep(0)  # gevent's clock stood still since the last test: its time-outs would be over
    clock = Clock(time.perf_counter() + said.warmup_s)
    part = Part(said, kinds or (kind(),), Place(), clock)
    users = [gevent.spawn(part.work, number, server) for number in range(said.users)]
    gevent.joinall([gevent.spawn(part.dispatch), *users], timeout=30, raise_error=True)
    clock.close()
    assert part.done
    return part


def total(part: Part) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _, _, packed in part.recorder.take()["tallies"]:
        counts.update({key: value for key, value in packed.items() if isinstance(value, int)})
    return counts


def test_requests_go_out_with_the_gaps_of_poisson_arrivals() -> None:
    def passes(seed: int) -> bool:
        server = Server()
        # Slow enough for a busy machine: what it delays is little beside the gaps.
        said = {"duration_s": 4, "seed": seed}
        send(scenario("poisson", (100, 100, 1), **said), server)
        assert len(server.times) > 300
        return distance(server.times, 100) < 1.63 / math.sqrt(len(server.times))  # the 1% point

    # One in a hundred fails by right, and a machine that stops for others delays what is sent.
    assert any(passes(seed) for seed in (1, 2, 3))


def test_a_request_that_finds_no_free_user_is_sent_late_and_counts_from_when_it_was_due() -> None:
    server = Server(lambda: gevent.sleep(0.25))
    said = {"max_in_flight": 2, "duration_s": 1}
    part = send(scenario("burst", size=4, every_s=10, **said), server)

    ((_, _, tally),) = part.recorder.take()["tallies"]
    assert (tally["offered"], tally["answered"], tally["waited"]) == (4, 4, 2)
    assert Counts(tally["latency"]).at(1.0)[0] == pytest.approx(500_000, rel=0.2)
    assert Counts(tally["service"]).at(1.0)[0] == pytest.approx(250_000, rel=0.2)


def test_what_was_never_sent_is_counted() -> None:
    server = Server(lambda: gevent.sleep(0.8))
    said = {"max_in_flight": 1, "duration_s": 1}
    part = send(scenario("constant", (10, 10, 1), **said), server)

    counts = total(part)
    assert (counts["offered"], counts["answered"], counts["unsent"]) == (10, 2, 8)


def test_failures_are_no_answers() -> None:
    def refuse() -> None:
        raise Failure("http", "503", "busy")

    part = send(scenario("constant", (20, 20, 1)), Server(refuse))
    ((_, _, tally),) = part.recorder.take()["tallies"]

    assert (tally["offered"], tally["failed"], tally["answered"]) == (20, 20, 0)
    assert tally["failures"] == [["http", "503", "busy", 20]]
    assert not tally["latency"]


def test_closed_loops_have_as_many_users_as_their_stages_say() -> None:
    server = Server(lambda: gevent.sleep(0.01))
    send(scenario("closed", (1, 1, 0.5), (4, 4, 0.5)), server)
    first, second = np.histogram(np.array(server.times) - server.times[0], [0, 0.5, 1])[0]

    assert 2.5 < second / first < 5.5


def test_users_that_wait_end_when_they_are_told_to() -> None:
    said = scenario("constant", (0.1, 0.1, 1), duration_s=60)
    part = Part(said, (kind(),), Place(), Clock(time.perf_counter()))
    users = [gevent.spawn(part.work, number, Server()) for number in range(said.users)]
    gevent.sleep(0.1)
    part.stop()
    gevent.joinall(users, timeout=10, raise_error=True)

    assert all(user.ready() for user in users)
    assert total(part)["offered"] == 0


def test_kinds_and_samples_are_chosen_by_weight_and_in_order() -> None:
    kinds = (kind("a", weight=3), kind("b", weight=1))
    turns = Turns(Choices(kinds, 7, Place()))
    sent = [turns.next() for _ in range(4000)]

    counts = Counter(each.request.name for each, _, _ in sent)
    assert counts["a"] / counts["b"] == pytest.approx(3, rel=0.15)
    assert [sample for each, sample, _ in sent if each is kinds[0]][:5] == [0, 1, 2, 3, 0]


def test_sequences_keep_their_share_and_have_ids_of_their_own() -> None:
    sequences = kind("s", sequence=Sequences(steps=((0, 4), (2, 6)), first_id=100))
    kinds = (kind("a"), sequences)
    sent = []
    for place in (Place(worker=0, workers=2), Place(worker=1, workers=2)):
        turns = Turns(Choices(kinds, 7, place))
        sent.append([turns.next() for _ in range(4000)])

    counts = Counter(each.request.name for each, _, _ in sent[0] + sent[1])
    assert counts["a"] / counts["s"] == pytest.approx(1, rel=0.2)
    ids = [{step.correlation_id for _, _, step in each if step} for each in sent]
    assert min(ids[0] | ids[1]) == 100
    assert not ids[0] & ids[1]
    steps = [(sample, step) for _, sample, step in sent[0] if step][:4]
    assert [sample for sample, _ in steps] == [0, 1, 2, 3]
    assert [(step.start, step.end) for _, step in steps] == [
        (True, False),
        (False, False),
        (False, False),
        (False, True),
    ]


def test_a_user_that_failed_begins_another_sequence() -> None:
    turns = Turns(Choices((kind(sequence=Sequences(steps=((0, 9),))),), 7, Place()))
    _, _, first = turns.next()
    turns.give_up()
    _, _, second = turns.next()

    assert first is not None
    assert second is not None
    assert (first.correlation_id, second.correlation_id) == (1, 2)
    assert second.start


def test_waiting_is_exact_to_much_less_than_a_millisecond() -> None:
    clock = Clock(time.perf_counter())
    late = []
    for i in range(200):
        clock.until(i * 0.002)
        late.append(clock.now() - i * 0.002)
    clock.close()

    assert min(late) >= 0
    assert np.median(late) < 300e-6
