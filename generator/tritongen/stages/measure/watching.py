"""Watches the server while it is under load: its counters twice a second, straight from it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from tritongen import shell
from tritongen.errors import EngineError
from tritongen.stages.measure.window import ServerSample
from tritongen.triton import Statistics, Triton, TritonError
from tritongen.triton.client import Protocol
from tritongen.triton.metrics import pending

EVERY_S = 0.5
TIMEOUT_S = 2.0
CLOSED = {"PERMISSION_DENIED", "UNIMPLEMENTED", "NOT_FOUND", "UNAUTHENTICATED"}
"""What a gateway says that keeps the server's counters to itself: it is there, and not seen."""

LOST = 6
"""Samples in a row that were not answered: the server is gone, not only busy."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server under load.

    ``address`` is what is asked, over ``protocol``; its counters are read from the same address.
    ``metrics`` is empty and ``pid`` ``None`` where they are not known, as on another machine.
    """

    address: str
    protocol: Protocol
    metrics: str = ""
    pid: int | None = None

    def client(self) -> Triton:
        """Return a client of it."""
        other = "127.0.0.1:0"
        if self.protocol == "http":
            return Triton(http=self.address, grpc=other)
        return Triton(grpc=self.address, http=other)


def reach(target: Target) -> None:
    """Raise ``UnreachableError`` unless the server answers, if only that it shows no counters."""
    with target.client() as triton:
        try:
            triton.statistics(protocol=target.protocol)
        except TritonError as error:
            if error.code not in CLOSED:
                raise


class Watch:
    """The samples of a server so far; ``lost`` once it does not answer any more."""

    def __init__(
        self, target: Target, counters: Callable[[], tuple[Statistics, ...]] | None = None
    ) -> None:
        self.target = target
        self._counters = counters or self._asked
        self.samples: list[ServerSample] = []
        self._triton = target.client()
        self._next_s = 0.0
        self._missed = 0

    @property
    def lost(self) -> bool:
        """Whether the server has not answered for a while."""
        return self._missed >= LOST

    def close(self) -> None:
        """Close the connection."""
        self._triton.close()

    def look(self) -> bool:
        """Take a sample if it is time for one; return whether the server still answers."""
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + EVERY_S
            try:
                rows = self._counters()
            except TritonError as error:
                if error.code not in CLOSED:
                    self._missed += 1
            except EngineError:
                self._missed += 1
            else:
                self._missed = 0
                self.samples.append(self._sample(rows))
        return not self.lost

    def _asked(self) -> tuple[Statistics, ...]:
        return self._triton.statistics(protocol=self.target.protocol, timeout_s=TIMEOUT_S)

    def _sample(self, rows: tuple[Statistics, ...]) -> ServerSample:
        pid = self.target.pid
        return ServerSample(
            at_s=time.time(),
            models=rows,
            cpu_s=None if pid is None else shell.cpu_seconds(pid),
            memory_bytes=None if pid is None else shell.memory_bytes(pid),
            pending=self._pending(),
        )

    def _pending(self) -> Mapping[str, float]:
        if not self.target.metrics:
            return {}
        try:
            answer = httpx.get(f"http://{self.target.metrics}/metrics", timeout=TIMEOUT_S)
        except httpx.HTTPError:
            return {}
        return pending(answer.text)

    def queue_share(self) -> float | None:
        """Return which part of the models' time was waiting, between the last two samples."""
        if len(self.samples) < 2:
            return None
        before, after = ({(r.name, r.version): r for r in s.models} for s in self.samples[-2:])
        queue = busy = 0
        for key, row in after.items():
            old = before.get(key)
            if old is not None and row.execution_count > old.execution_count:
                queue += row.queue_ns - old.queue_ns
                parts = ("compute_input_ns", "compute_infer_ns", "compute_output_ns")
                busy += sum(getattr(row, part) - getattr(old, part) for part in parts)
        return queue / (queue + busy) if queue + busy > 0 else None
