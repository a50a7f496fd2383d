"""What a running Triton says, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Parameter = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """A row of the repository's index; a model that was never loaded has a name only.

    ``state`` is Triton's: READY, UNAVAILABLE, LOADING, UNLOADING, UNKNOWN, or empty.
    """

    name: str
    version: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """An input or output as the protocol has it: ``FP32``, ``BYTES``; -1 where a dim varies."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """A model's versions that are ready and its tensors, batch dimension included."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Counters of one version since it was loaded (its warm-up included).

    ``inference_count`` counts rows, ``execution_count`` batches; ``batches`` maps a batch size to
    its executions, ``batch_ns`` to the sum of their times, in and out included. Other times are
    sums over ``success_count`` requests, in nanoseconds; ``busy_ns`` is the sum over executions,
    in and out included: how long the instances worked.
    """

    name: str
    version: str
    inference_count: int
    execution_count: int
    success_count: int
    success_ns: int
    fail_count: int
    queue_ns: int
    compute_input_ns: int
    compute_infer_ns: int
    compute_output_ns: int
    cache_hit_count: int
    cache_miss_count: int
    batches: Mapping[int, int]
    busy_ns: int = 0
    batch_ns: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Response:
    """One answer: arrays by output in the server's order, BYTES as object arrays of ``bytes``.

    ``datatypes`` are the protocol's names. ``time_ms`` counts from sending the request to having
    this answer, as the client saw it.
    """

    model: str
    version: str
    outputs: Mapping[str, Array]
    datatypes: Mapping[str, str]
    time_ms: float
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


def together(all_rows: Sequence[Sequence[Statistics]]) -> tuple[Statistics, ...]:
    """Return the counters of several servers as if they were one."""
    joined: dict[tuple[str, str], Statistics] = {}
    for row in (row for rows in all_rows for row in rows):
        key = (row.name, row.version)
        joined[key] = _added(joined[key], row) if key in joined else row
    return tuple(joined.values())


def _added(one: Statistics, other: Statistics) -> Statistics:
    said: dict[str, Any] = {}
    for each in fields(Statistics):
        a, b = getattr(one, each.name), getattr(other, each.name)
        if isinstance(a, int):
            said[each.name] = a + b
        elif isinstance(a, Mapping):
            said[each.name] = {n: a.get(n, 0) + b.get(n, 0) for n in sorted({*a, *b})}
    return replace(one, **said)
