"""``loadtests:`` and ``slo:``: what is sent, when, and what must hold; ``None`` means «not said».

What a load test became when everything was decided is :class:`PlannedLoadTest`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tritongen.records.finding import SpecPath
from tritongen.records.scalars import Flag, Record, Texts, Whole, one_or_many, wrong
from tritongen.records.tree import Entry
from tritongen.records.units import (
    Duration,
    Fraction,
    Lengths,
    Percentage,
    Range,
    Rate,
    SomeTime,
    Weight,
)

Protocol = Literal["http", "grpc", "grpc-stream"]
Positive = Annotated[Whole, Field(ge=1)]
Count = Annotated[Whole, Field(ge=0)]
PERCENTILES: Mapping[str, float] = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9}


HEADER_NAME = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _header(name: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise wrong("type", "the name of a header", "write letters, digits and `-`")
    return name


def _header_value(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise wrong("type", "printable ASCII on one line", "take out what is not")
    return value


Headers = Mapping[
    Annotated[str, AfterValidator(_header)], Annotated[str, AfterValidator(_header_value)]
]


def _only(record: Record, keys: tuple[str, ...], what: str) -> None:
    """Complain unless exactly one of the keys was said."""
    said = [key for key in keys if key in record.model_fields_set]
    listed = ", ".join(f"`{key}`" for key in keys)
    if not said:
        raise wrong("missing_key", f"{what} says none of {listed}", f"add `{keys[0]}:`")
    if len(said) > 1:
        message = f"`{said[0]}` and `{said[1]}` exclude each other"
        raise wrong("exclusive", message, f"keep `{said[0]}` or `{said[1]}`")


class Slo(Record):
    """What must hold: latencies in seconds, failures as a share of requests, answers a second."""

    p50: SomeTime | None = None
    p90: SomeTime | None = None
    p95: SomeTime | None = None
    p99: SomeTime | None = None
    p999: SomeTime | None = None
    error_rate: Percentage | None = None
    throughput: Rate | None = None


class Closed(Record):
    """So many users, each of whom waits for its answer before it asks again."""

    users: Positive

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"users": value} if isinstance(value, str) else value


class Paced(Record):
    """So many requests a second, whatever the answers do."""

    rate: Rate

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"rate": value} if isinstance(value, str) else value


class Burst(Record):
    """So many requests at once, every so often."""

    size: Positive
    every: SomeTime


class Stage(Record):
    """A part of ``stages``: a rate, or a ramp to it ``from`` another one."""

    duration: SomeTime
    rate: Rate
    start: Rate | None = Field(default=None, alias="from")


class Arrivals(Record):
    """When requests are sent; exactly one is said."""

    closed: Closed | None = None
    constant: Paced | None = None
    poisson: Paced | None = None
    burst: Burst | None = None
    stages: tuple[Stage, ...] | None = None
    trace: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "Arrivals":
        _only(self, tuple(type(self).model_fields), "`arrivals`")
        if self.stages == ():
            raise wrong("missing_key", "`stages` is empty", "write `[{duration: 10s, rate: 5/s}]`")
        return self


class Values(Record):
    """How the values of one input are made; text is the path of files that are taken whole.

    ``dims`` gives the sizes of the dimensions that vary, in order. ``present`` is how many of the
    requests carry an optional input.
    """

    files: Texts | None = None
    values: Annotated[tuple[str, ...], BeforeValidator(one_or_many)] | None = None
    range: Range | None = None
    text: Lengths | None = None
    bytes: Lengths | None = None
    image: Literal["jpeg", "png"] | None = None
    width: Range = Range(low=224, high=224)
    height: Range = Range(low=224, high=224)
    dims: tuple[Range, ...] = ()
    present: Percentage | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"files": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> "Values":
        kinds = ("files", "values", "range", "text", "bytes", "image")
        said = [kind for kind in kinds if kind in self.model_fields_set]
        if said:
            _only(self, kinds, "an input")
        return self


class Data(Record):
    """What requests carry: files, or values made for each input.

    Text or a list of texts are ``files``: paths, folders, globs. ``samples`` is how many different
    requests there are, ``rows`` how many rows each has, ``sequence`` how many requests make a
    sequence of a model that keeps state.
    """

    files: Texts = ()
    inputs: Mapping[str, Values] = Field(default_factory=dict)
    samples: Positive | None = None
    rows: Range = Range(low=1, high=1)
    sequence: Range = Range(low=8, high=8)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"files": value} if isinstance(value, str | list) else value


class Expect(Record):
    """What answers are held to besides their types and shapes.

    ``answers``: the outputs that the data gives with its inputs (JSONL, NPZ, Parquet,
    perf_analyzer's validation data), numbers within ``atol + rtol * |expected|``.
    """

    answers: Flag = True
    rtol: Fraction = 1e-3
    atol: Fraction = 1e-6

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"answers": "true"} if value == "answers" else value


class Traffic(Record):
    """One model of a mix; text is its weight."""

    weight: Weight = 1.0
    data: Data = Data()
    expect: Expect | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"weight": value} if isinstance(value, str) else value


class LoadTest(Record):
    """One entry of ``loadtests:``.

    ``lag_limit``: how late the load program itself may be, as a share of the 99th percentile of
    latency, before its figures are not trusted. ``max_in_flight``: requests on their way at once
    in an open loop; the load program's own if not said.
    """

    model: str | None = None
    models: Mapping[str, Traffic] | None = None
    protocol: Protocol = "grpc"
    data: Data = Data()
    arrivals: Arrivals
    duration: SomeTime | None = None
    warmup: Duration | None = None
    timeout: SomeTime = 10.0
    headers: Headers = Field(default_factory=dict)
    parameters: Mapping[str, str] = Field(default_factory=dict)
    slo: Slo | None = None
    expect: Expect | None = None
    seed: Count = 0
    unique: Flag = False
    lag_limit: Percentage = 0.1
    max_in_flight: Positive | None = None

    @model_validator(mode="after")
    def _one(self) -> "LoadTest":
        _only(self, ("model", "models"), "a load test")
        return self


@dataclass(frozen=True, kw_only=True)
class Samples:
    """The different requests for one model: the payload file, and what is to be known of it.

    ``sequences`` are the first sample and the length of each. ``unique`` says which bytes of an
    input may be overwritten by a number, as the program's ``scenario.json`` takes it.
    """

    entry: Entry
    count: int
    rows: float
    outputs: tuple[str, ...] = ()
    sequences: tuple[tuple[int, int], ...] = ()
    unique: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedTraffic:
    """What is sent to one model; ``samples`` are made last, from files and the model's tensors."""

    model: str
    weight: float
    data: Data
    expect: Expect | None
    path: SpecPath
    samples: Samples | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedLoadTest:
    """A load test with everything decided; ``slo`` is by model, under ``""`` for all together."""

    name: str
    protocol: Protocol
    traffic: tuple[PlannedTraffic, ...]
    arrivals: Arrivals
    duration_s: float
    warmup_s: float
    timeout_s: float
    headers: Mapping[str, str]
    parameters: Mapping[str, str | int | bool]
    slo: Mapping[str, Slo]
    seed: int
    unique: bool
    lag_limit: float
    path: SpecPath
    trace: Entry | None = None
    max_in_flight: int | None = None
