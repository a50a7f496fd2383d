"""Metrics as the programs themselves tell them, read without Prometheus."""

import re
from dataclasses import dataclass
from typing import Any

import httpx

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Counters:
    """The samples of one or several programs: name, labels, value."""

    samples: tuple[tuple[str, dict[str, str], float], ...]

    def sum(self, name: str, **labels: str) -> float:
        """Add up all samples of this name that have these labels; there must be one."""
        found = [
            value
            for its, has, value in self.samples
            if its == name and labels.items() <= has.items()
        ]
        assert found, f"no sample {name}{labels}"
        return sum(found)


def counters(*texts: str) -> Counters:
    """Read what programs print for Prometheus."""
    found = (sample for text in texts for sample in SAMPLE.findall(text))
    return Counters(
        tuple((name, dict(LABEL.findall(labels)), float(value)) for name, labels, value in found)
    )


def of_tritons(containers: list[dict[str, Any]]) -> list[Counters]:
    """Read the metrics of each replica inside its network, where no port is published."""
    return [counters(httpx.get(metrics_page(each), trust_env=False).text) for each in containers]


def metrics_page(container: dict[str, Any]) -> str:
    """Return the address of a replica's metrics."""
    (network,) = container["NetworkSettings"]["Networks"].values()
    return f"http://{network['IPAddress']}:8002/metrics"
