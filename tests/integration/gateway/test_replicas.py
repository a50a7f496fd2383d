"""Requests are shared out over replicas; one that dies or is drained costs no request."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tests.integration.gateway.conftest import Start
from tests.integration.gateway.fleet import Fleet, Gateway, gateway, kill, serving
from tritonclient.utils import InferenceServerException

pytestmark = [pytest.mark.server, pytest.mark.slow]

CLIENTS = 3
"""Of each protocol."""


@dataclass
class Traffic:
    """Clients of both protocols that ask without a pause; ``lost`` is what went wrong."""

    gateway: Gateway
    numbers: int = 16
    answered: int = 0
    slowest_s: float = 0
    lost: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Traffic":
        self.threads = [
            threading.Thread(target=self._ask, args=(library, address))
            for library, address in (
                (triton_http, self.gateway.http),
                (triton_grpc, self.gateway.grpc),
            )
            for _ in range(CLIENTS)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Return when so many more requests were answered or lost."""
        end, aim = time.monotonic() + seconds, self.answered + more
        while self.answered + len(self.lost) < aim:
            assert time.monotonic() < end, self
            time.sleep(0.02)

    def _ask(self, library: object, address: str) -> None:
        x = np.ones((1, self.numbers), np.float32)
        with library.InferenceServerClient(address) as client:
            while not self.over.is_set():
                tensor = library.InferInput("X", list(x.shape), "FP32")
                tensor.set_data_from_numpy(x)
                began = time.monotonic()
                try:
                    assert (client.infer("add", [tensor]).as_numpy("Y") == 2).all()
                    self.answered += 1
                except (InferenceServerException, OSError, AssertionError) as error:
                    self.lost.append(f"{library.__name__}: {error!r}")
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)


def shares(records: Sequence[dict[str, object]]) -> Counter[tuple[object, object]]:
    """Return how many inference requests each replica had, by protocol."""
    inferences = (each for each in records if each["model"] == "add")
    return Counter((each["protocol"], each["replica"]) for each in inferences)


def test_requests_of_one_connection_are_shared_out(plain: Gateway) -> None:
    before = shares(plain.records())
    with Traffic(plain) as traffic:
        traffic.wait_for(200)
    assert traffic.lost == []
    had = shares(plain.records()) - before
    for protocol in ("http", "grpc"):
        one, other = (had[protocol, f"triton{number}"] for number in (1, 2))
        assert abs(one - other) <= 0.1 * (one + other)


def test_a_drained_replica_gets_nothing_until_it_is_given_back(plain: Gateway) -> None:
    servers = ["triton_http/triton2", "triton_grpc/triton2"]
    with Traffic(plain) as traffic:
        traffic.wait_for(50)
        for server in servers:
            assert plain.ask(f"set server {server} state drain").strip() == ""
        traffic.wait_for(50)  # what was under way
        before = shares(plain.records())
        traffic.wait_for(100)
        had = shares(plain.records()) - before
        assert {replica for _, replica in had} == {"triton1"}
        for server in servers:
            plain.ask(f"set server {server} state ready")
        traffic.wait_for(100)
        assert {replica for _, replica in shares(plain.records()) - before - had} >= {"triton2"}
    assert traffic.lost == []


@pytest.fixture
def doomed(program: list[str], tmp_path: Path) -> Iterator[tuple[Fleet, Gateway]]:
    """Tritons of which a test may end one."""
    for name in ("fleet", "gateway"):
        (tmp_path / name).mkdir()
    with (
        serving(tmp_path / "fleet") as fleet,
        gateway(program, fleet, tmp_path / "gateway", {}, {}) as running,
    ):
        yield fleet, running


def test_a_replica_that_is_killed_under_load_costs_no_request(
    doomed: tuple[Fleet, Gateway], record_property: pytest.FixtureRequest
) -> None:
    fleet, running = doomed
    with Traffic(running, numbers=10_000) as traffic:
        traffic.wait_for(300)
        kill(fleet.replicas[1])
        traffic.wait_for(300)
    assert traffic.lost == []
    records = running.records()
    assert sum(each["retries"] not in ("0", "+0") for each in records) > 0, "one was sent again"
    assert records[-1]["replica"] == "triton1"
    record_property("slowest request, seconds", round(traffic.slowest_s, 3))


def test_a_client_of_a_sequence_stays_with_its_replica(plain: Gateway) -> None:
    before = len(plain.records())
    for library, address in ((triton_http, plain.http), (triton_grpc, plain.grpc)):
        for sequence in (1, 2):
            for number in range(1, 5):
                x = library.InferInput("X", [1, 1], "FP32")
                x.set_data_from_numpy(np.full((1, 1), number, np.float32))
                about = {"sequence_id": sequence, "sequence_start": number == 1}
                with library.InferenceServerClient(address) as client:
                    answer = client.infer("sum", [x], **about, sequence_end=number == 4)
                assert answer.as_numpy("Y")[0, 0] == sum(range(number + 1))
    records = plain.records(before + 16)[before:]
    asked = [each for each in records if each["model"] == "sum"]
    assert len(asked) == 16
    assert {each["replica"] for each in asked} in ({"triton1"}, {"triton2"})


def test_a_started_sequence_is_not_sent_again(start: Start) -> None:
    with start() as running:
        text = (running.log.parent / "haproxy.cfg").read_text()
    sections = {part.splitlines()[0]: part for part in text.split("\nbackend ")}
    for protocol in ("http", "grpc"):
        assert "  retry-on conn-failure\n" in sections[f"triton_{protocol}_sequences"]
        assert "retry-on" not in sections[f"triton_{protocol}"], "those of `defaults`"
