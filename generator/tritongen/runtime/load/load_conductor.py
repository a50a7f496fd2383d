"""The one that leads a run: starts all workers at once, adds up what they tell, writes it down.

It runs on Locust's master, or beside the only worker. Workers tell once a second what they counted
since, so one that dies takes no more than its last second with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from math import ceil
from typing import Any

import gevent
from load_results import Ran, Worker, document
from load_scenario import Scenario
from load_tally import Measured

AHEAD_S = 0.3
"""How long before the warm-up workers are told: time for the message to reach all."""

PATIENCE_S = 5.0
"""How long after the last possible answer a worker may still be silent."""

Send = Callable[[str, Mapping[str, Any], str], None]


class Conductor:
    """A run of all workers; its clock is about theirs: a message's way later."""

    def __init__(
        self, scenario: Scenario, versions: Mapping[str, str], workers: Iterable[str], send: Send
    ) -> None:
        """Start the workers with these ids; ``send(type, data, worker)`` sends a message."""
        self.scenario, self.versions, self.send = scenario, versions, send
        timeout_s = max(request.timeout_s for request in scenario.requests)
        self.measured = Measured(scenario.duration_s, timeout_s + PATIENCE_S)
        self.workers = {each: Worker(id=each, state="running") for each in sorted(workers)}
        self.started_at = _utc()
        self.zero = time.perf_counter() + AHEAD_S + scenario.warmup_s
        self.deadline = scenario.duration_s + timeout_s + PATIENCE_S
        self.partial: str | None = None
        self.ended_s: float | None = None
        for i, worker in enumerate(self.workers):
            place = {"worker": i, "workers": len(self.workers), "base": time.time_ns() // 1000}
            send("load-go", {**place, "in_s": AHEAD_S}, worker)

    def now(self) -> float:
        """Return the time on the run's clock."""
        return time.perf_counter() - self.zero

    def told(self, worker: str, data: Mapping[str, Any]) -> bool:
        """Add what a worker told; one that was taken for lost has its place back.

        Returns whether the worker takes part in this run.
        """
        if worker not in self.workers:
            return False
        known = self.workers[worker]
        known.cpu, known.told_s = data["cpu"], data["now"]
        known.state = "done" if data["done"] else "running"
        self.measured.add(worker, data["counted"], data["now"])
        return True

    def lose(self, present: Iterable[str]) -> None:
        """Take workers that are not present any more for lost, unless they are done."""
        gone = self.workers.keys() - set(present)
        for worker in gone:
            if self.workers[worker].state == "running":
                self.workers[worker].state = "lost"

    @property
    def measured_seconds(self) -> tuple[int, int]:
        """Return the first second of the warm-up, and the one after the last."""
        return -ceil(self.scenario.warmup_s), ceil(self.scenario.duration_s)

    @property
    def running(self) -> int:
        """Return how many workers still report."""
        return sum(worker.state == "running" for worker in self.workers.values())

    @property
    def over(self) -> bool:
        """Tell whether nothing more will be told."""
        return self.running == 0 or self.now() > self.deadline

    def stop(self, reason: str, wait_s: float = 3.0) -> None:
        """End the run early and wait for what the workers still have to tell."""
        if self.partial is None and not self.over:
            self.partial, self.ended_s = reason, self.now()
            for worker in self.workers:
                self.send("load-stop", {}, worker)
            end = time.perf_counter() + wait_s
            while not self.over and time.perf_counter() < end:
                gevent.sleep(0.02)

    def results(self) -> dict[str, Any]:
        """Return what ``results.json`` is to hold."""
        self._judge()
        measured_s = self.scenario.duration_s
        if self.partial:
            last = max((worker.told_s for worker in self.workers.values()), default=0.0)
            measured_s = min(max(self.ended_s or last, 0.0), measured_s)
        ran = Ran(
            started_at=self.started_at,
            finished_at=_utc(),
            measured_s=measured_s,
            partial=self.partial,
            workers=list(self.workers.values()),
            versions=self.versions,
        )
        return document(self.scenario, self.measured, ran)

    def _judge(self) -> None:
        """Say how it ended for workers and run."""
        for worker in self.workers.values():
            if worker.state == "running":
                worker.state = "lost" if self.partial is None else "stopped"
        if self.partial is None and all(w.state == "lost" for w in self.workers.values()):
            short = max(w.told_s for w in self.workers.values()) < self.scenario.duration_s
            self.partial = "workers lost" if short else "not finished"


def _utc() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
