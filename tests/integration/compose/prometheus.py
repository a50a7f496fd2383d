"""The stack's Prometheus, asked from outside."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
from tests.integration.compose.project import Project


@dataclass(frozen=True)
class Prometheus:
    """The one of a project."""

    project: Project

    @cached_property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{self.project.address('prometheus', 9090)}"

    def ask(self, query: str, at_s: float | None = None) -> list[dict[str, Any]]:
        """Return the series of an instant query, each with ``value`` or ``values``."""
        said = {"query": query, "time": str(at_s or time.time())}
        address = f"{self.address}/api/v1/query"
        answer = httpx.post(address, data=said, timeout=30, trust_env=False).json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def value(self, query: str, at_s: float | None = None) -> float:
        """Return the value of a query that has one series."""
        (series,) = self.ask(query, at_s)
        return float(series["value"][1])

    def since(self, query: str, begin_s: float, holds: Callable[[float], bool]) -> float:
        """Return when a sample of these series first held after ``begin_s``."""
        samples = (
            (float(at), float(value))
            for series in self.ask(f"{query}[10m]")
            for at, value in series["values"]
        )
        return min(at for at, value in samples if at > begin_s and holds(value))


def until(found: Callable[[], Any], why: str, seconds: float = 60) -> Any:
    """Return what is found as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"not within {seconds} s: {why}"
        time.sleep(0.2)
    return value
