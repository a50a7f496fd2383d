"""What can be asked of Prometheus: what is scraped, what our rules record, when they alert.

Read from ``resources/metrics.toml`` and ``resources/rules.toml``. Each ``needs`` parts of a
deployment (``PARTS``); where one is missing, there is no such series. Recorded times are seconds.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from tritongen.records.release import Release

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OBJECTIVES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
"""The objectives for latency, and the quantile that each is about."""

PARTS: Final = {
    "gateway": "a gateway stands before the servers",
    "ensembles": "there is an ensemble",
    "response_cache": "a model answers from the response cache",
    "local_cache": "the servers have local response caches",
    "queue_limits": "a model's queue has a limit",
    "gpu": "the servers have GPUs and tell of them",
    "first_responses": "a decoupled model, and Triton times its first response (since 24.11)",
    "load_times": "Triton tells how long a model took to load (since 24.11)",
    "pinned_memory": "Triton tells of its pinned memory (since 24.01)",
    "slo_errors": "a model has an objective for failures",
    "slo_latency": "a model has an objective for latency",
    "seen_by_gateway": "objectives are held against what the gateway saw",
    "seen_by_triton": "objectives are held against Triton's own metrics",
    **{name: f"a model has an objective for {name}" for name in OBJECTIVES},
}

EACH: Final[Mapping[str, tuple[str, ...]]] = {
    "window": ("5m", "30m", "1h", "6h", "3d"),
    "quantile": ("0.5", "0.9", "0.95", "0.99"),
    "objective": tuple(OBJECTIVES),
}
"""What a rule can be written for, one each."""

FACTS: Final = {
    "tritongen:model:info": "1 for each model; kind is model, step, ensemble or external",
    "tritongen:model:failures_counted": "how often Triton counts a failure of the model",
    "tritongen:model:queue_delay": "seconds that the batcher may wait for more requests",
    "tritongen:model:queue_limit": "requests that may wait on one server, if that is limited",
    "tritongen:step:uses": "how often a request of the ensemble runs the model",
    "tritongen:replicas:planned": "servers that there should be",
    "tritongen:quantile:share": "share of requests above each quantile of Triton's summaries",
    "tritongen:slo:error_limit": "share of requests that may fail; seen by gateway or triton",
    "tritongen:slo:latency_limit": "seconds that an objective (p99) allows; seen by whom",
    "tritongen:slo:latency_bucket": "1 for the bucket of the gateway's histogram that ends at it",
    "tritongen:slo:slow_limit": "share of requests that may take longer than the objective says",
}
"""What the plan knows, recorded as series so that rules and dashboards can join it."""

PLACEHOLDER = re.compile(r"\{(window|quantile|objective|speed|factor|short|long|lasts)\}")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric as it is scraped from ``job``; ``labels`` are those besides job and instance."""

    name: str
    type: Literal["counter", "gauge", "histogram", "summary"]
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    job: Literal["triton", "gateway", "prometheus"] = "triton"
    needs: str | None = None

    def lacks(self, release: Release) -> str | None:
        """Return in words why a release does not emit it, or ``None`` if it does."""
        return release.lacks(f"metric:{self.name}") if self.job == "triton" else None


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a recording rule writes: ``expr`` with the labels ``added``, in all ``labels``."""

    name: str
    unit: str
    help: str
    expr: str
    labels: tuple[str, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert: when it fires, and what the person it wakes needs to know.

    ``expr`` must hold for ``lasting`` (Prometheus' notation, empty for at once).
    """

    name: str
    expr: str
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    action: str
    lasting: str = ""
    needs: frozenset[str] = frozenset()


@cache
def metrics() -> Mapping[str, Metric]:
    """Return what is scraped, by name."""
    rows = (_tupled(row) for row in _read("metrics.toml")["metric"])
    return {row["name"]: Metric(**row) for row in rows}


def recorded(parts: Iterable[str] = PARTS) -> tuple[Recorded, ...]:
    """Return what is recorded in a deployment of these parts, in the order of evaluation."""
    return tuple(rule for rule in _rules()[0] if rule.needs <= set(parts))


def alerts(parts: Iterable[str] = PARTS) -> tuple[Alert, ...]:
    """Return the alerts of a deployment of these parts."""
    return tuple(alert for alert in _rules()[1] if alert.needs <= set(parts))


@cache
def _rules() -> tuple[tuple[Recorded, ...], tuple[Alert, ...]]:
    read = _read("rules.toml")
    records = tuple(rule for row in read["record"] for rule in _records(row))
    found = tuple(rule for row in read["alert"] for rule in _alerts(row, read["burn"]))
    return records, found


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("tritongen.resources").joinpath(name).read_text("utf-8"))


def _tupled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _records(row: dict[str, Any]) -> Iterator[Recorded]:
    each = row.pop("each", None)
    needs, added = frozenset(row.pop("needs", ())), row.pop("added", {})
    for value in EACH[each] if each else ("",):
        said = {key: _filled(text, {each: value}) for key, text in row.items()}
        kept = {each: value} if each in ("quantile", "objective") else {}
        own = {value} if each == "objective" else set()
        yield Recorded(**_tupled(said), added={**added, **kept}, needs=needs | own)


def _alerts(row: dict[str, Any], burns: Iterable[Mapping[str, Any]]) -> Iterator[Alert]:
    each, needs = row.pop("each", None), frozenset(row.pop("needs", ()))
    lasting = row.pop("for", "")
    for burn in burns if each else ({},):
        severity = burn["severity"] if each else row["severity"]
        said = {key: _filled(text, burn) for key, text in row.items()} | {"severity": severity}
        yield Alert(**said, lasting=lasting, needs=needs)


def _filled(text: Any, values: Mapping[Any, Any]) -> Any:
    """Put values in place of ``{name}``; PromQL has braces of its own, so only of known names."""
    if not isinstance(text, str):
        return text
    return PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), text.strip())
