"""Brings one replica to the files that stand on the disk, while the others serve."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tritongen.errors import EngineError
from tritongen.parts.engines import compose
from tritongen.parts.engines.compose import Container, Docker, Ops, Slot
from tritongen.records.stack import INNER, TRITON
from tritongen.stages.rollout.checks import Check, wrong

Doing = Literal[
    "draining",
    "stopping",
    "starting",
    "loading",
    "verifying",
    "serving",
    "going back",
    "as before",
]

ADMITTED_S = 60.0
EVERY_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a rollout treats a replica.

    ``drain_s`` is how long requests under way may take before it is stopped all the same;
    ``grace_s`` is Docker's, longer than Triton's own; ``timeout_s`` is how long nothing may happen
    while models load.
    """

    checks: Sequence[Check]
    drain_s: float = 60.0
    grace_s: int = 60
    timeout_s: float = 120.0


@dataclass(frozen=True, kw_only=True)
class Move:
    """What a rollout does to a replica right now."""

    replica: str
    doing: Doing


Watch = Callable[[Move], None]


@dataclass(kw_only=True)
class Stack:
    """The stack under a rollout: its replicas, and what may be asked of it."""

    docker: Docker
    ops: Ops
    terms: Terms
    watch: Watch
    cut: dict[str, int] = field(default_factory=dict)

    def replicas(self) -> tuple[Container, ...]:
        """Return the Tritons, running or not."""
        return compose.of_service(compose.containers(self.docker), TRITON)

    def hold_places(self) -> None:
        """Let no replica that comes get requests before it is verified."""
        self.ops.drain([slot for slot in self.ops.slots() if not slot.address])

    def drain(self, replica: Container) -> None:
        """Give a replica no more requests, and wait for those under way."""
        self._say(replica, "draining")
        slots = self._slots(replica)
        self.ops.drain(slots)
        deadline = time.monotonic() + self.terms.drain_s
        while (busy := self.ops.busy(slots)) and time.monotonic() < deadline:
            time.sleep(EVERY_S)
        if busy:
            # Streams may last for ever; Triton's own end closes them.
            self.cut[replica.name] = busy

    def close(self, replica: Container) -> None:
        """Have the gateway close its idle connections: each would hold Triton's exit."""
        self.ops.close([slot for slot in self._slots(replica) if slot.drained])

    def add(self, count: int, *, verified: bool = True) -> Container:
        """Start one more replica, so that there are so many; it gets no requests yet.

        Raises ``EngineError`` if it does not become ready, or answers a sample request wrongly.
        """
        self.hold_places()
        made = compose.add(self.docker, TRITON, count)
        if len(made) != 1:
            raise EngineError(
                f"Docker made {len(made)} replicas instead of one",
                fix="see what runs: tritongen status",
            )
        self._say(made[0], "starting")
        new = compose.wait_for_one(
            self.docker, made[0].id, timeout_s=self.terms.timeout_s, show=lambda _: None
        )
        if verified:
            self.verify(new)
        return new

    def verify(self, replica: Container) -> None:
        """Send a replica its sample requests, past the gateway; raise if an answer is wrong."""
        from tritonclient.grpc import service_pb2

        self._say(replica, "verifying")
        for check in self.terms.checks:
            try:
                answer = self.ops.call(
                    address(replica),
                    check.request,
                    service_pb2.ModelInferResponse,
                    timeout_s=check.timeout_s,
                )
            except EngineError as error:
                error.message = f"{replica.name} does not answer for {check.model}: {error.message}"
                raise
            if found := list(wrong(check, answer)):
                raise EngineError(
                    f"{replica.name} answers wrongly",
                    why="\n".join(found),
                    fix="correct the model; nothing was changed for clients",
                )

    def admit(self, replica: Container) -> None:
        """Let a replica get requests, and wait until the gateway sees that it can."""
        deadline = time.monotonic() + ADMITTED_S
        while True:
            slots = self._slots(replica)
            self.ops.ready([slot for slot in slots if slot.drained])
            if _admitted(slots):
                break
            if time.monotonic() > deadline:
                raise EngineError(
                    f"the gateway does not see {replica.name}",
                    why=f"it knows {len(slots)} servers at {address(replica)}, "
                    f"{sum(slot.up for slot in slots)} of them up",
                    fix="see its log: tritongen logs --service gateway",
                )
            time.sleep(EVERY_S)
        self._say(replica, "serving")

    def _slots(self, replica: Container) -> tuple[Slot, ...]:
        where = address(replica)
        return tuple(slot for slot in self.ops.slots() if slot.address == where)

    def _say(self, replica: Container, doing: Doing) -> None:
        self.watch(Move(replica=replica.name, doing=doing))


def _admitted(slots: Sequence[Slot]) -> bool:
    backends: Mapping[str, list[Slot]] = {
        slot.backend: [other for other in slots if other.backend == slot.backend] for slot in slots
    }
    return len(backends) > 1 and all(
        any(slot.up and not slot.drained for slot in own) for own in backends.values()
    )


def address(replica: Container) -> str:
    """Return where a replica is on the inner network."""
    return replica.addresses.get(INNER, "")
