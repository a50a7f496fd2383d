"""What a load test sends, when, and for how long: ``scenario.json``, read and checked.

Files that it names are relative to its folder. Times are seconds, times on the clock of a run are
counted from the end of the warm-up. Every key is required unless a default is given here.

``scenario``: 1, the version of this format.
``name``: of the load test.
``seed``: a number; the same scenario and seed send the same requests at the same times.
``protocol``: ``http``, ``grpc``, or ``grpc-stream`` (one stream per user; decoupled models).
``address``: ``host:port``; with ``https://`` or ``grpcs://`` before it over TLS.
``duration_s``: what is measured. ``warmup_s`` (0): sent before that and cut from the figures.
``timeout_s`` (10): a request without its whole answer after that has failed.
``headers`` ({}): text by name; gRPC sends them as metadata.
``max_in_flight`` (256): open loop only; requests on their way at once over all workers. An arrival
that finds none free is sent late; that counts as its latency. Sequences: how many are open at once.
``lag_limit`` (0.1): the share of the 99th percentile of latency that the program's own lateness
may reach before the results say that they can't be trusted.

``arrivals`` is one of

- ``{"law": "closed", "stages": [...]}``: so many users, each waiting for its answer;
- ``{"law": "constant" | "poisson", "stages": [...]}``: so many requests per second, whether or not
  the server answers, at equal distances or independent of each other;
- ``{"law": "burst", "size": 20, "every_s": 1.0}``: so many at once, the first at 0;
- ``{"law": "trace", "file": "times.npy"}``: a 1-D array of seconds (or a ``.csv`` whose first
  column they are), in order, the first at 0 or later; those beyond ``duration_s`` are left out.

A stage is ``{"from": 0, "to": 200, "seconds": 10}``: users or requests per second, changing in
equal parts; the end of the last one holds for what is left of ``duration_s``. The warm-up has the
level at 0: the first ``from``, the same bursts, a trace's mean rate.

``requests`` is what is sent: a list of

- ``name``: under which the results count it; ``model``; ``version`` (""): text, the newest if "";
- ``payload``: the ``.npz`` file with its samples, see `load_payloads`; used in order, around;
- ``weight`` (1): its share of the requests;
- ``outputs`` ([]): ``[{"name": "Y", "parameters": {"classification": 3}}]``; all if none is named;
- ``parameters`` ({}): of the request: text, whole numbers, truth values by name;
- ``headers`` ({}): added to those above; ``timeout_s`` (null): instead of that above;
- ``expect`` (null): ``{"outputs": {"Y": {"datatype": "FP32", "shape": [-1, 4]}}, "answers": true,
  "rtol": 1e-3, "atol": 1e-6}``. A missing output, another type or another shape (-1: any) is a
  failure of kind ``shape``; with ``answers`` (false), outputs that differ from those in the payload
  file by more than ``atol + rtol * |expected|`` (1e-3, 1e-6; text: at all) one of kind ``answer``.
  A streamed answer is checked response by response, its values only if it is one response;
- ``unique`` (null): ``{"input": "x", "offset": 0, "count": 4, "stride": 4, "text": false}``: a
  number different for each request is written over ``count`` bytes of that input's, every
  ``stride`` (1) bytes from ``offset`` (0; negative: from the end), so that no cache can answer;
  with ``text`` (false) as digits. Whoever writes it takes bytes that leave the sample valid;
- ``sequence`` (null): ``{"steps": [[0, 5], [5, 3]], "id": "integer", "first_id": 1}``: what is
  sent are sequences: each takes the next pair of steps, around: its first sample and how many. They
  have start and end flags, and correlation ids that count up from ``first_id`` (1), as ``text``
  too. A sequence's requests wait for each other; ``weight`` stays its share of the requests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
PROTOCOLS = ("http", "grpc", "grpc-stream")
OPEN_LAWS = ("constant", "poisson", "burst", "trace")
Parameters = Mapping[str, "str | int | bool"]


class ScenarioError(Exception):
    """The scenario or a file that it names can't be used; the text says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Users or requests per second that go from ``start`` to ``end`` in ``seconds``."""

    start: float
    end: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """When requests are due; ``stages``, ``size`` and ``every_s``, or ``file`` by its law."""

    law: str
    stages: tuple[Stage, ...] = ()
    size: int = 0
    every_s: float = 0.0
    file: Path = Path()

    @property
    def closed(self) -> bool:
        """Tell whether users wait for answers before they send again."""
        return self.law == "closed"


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """What an output must be; -1 in ``shape`` is any size."""

    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Expect:
    """What an answer must be."""

    outputs: Mapping[str, Tensor]
    answers: bool = False
    rtol: float = 1e-3
    atol: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class Unique:
    """Which bytes of an input a number is written over that is new for each request."""

    input: str
    count: int
    offset: int = 0
    stride: int = 1
    text: bool = False


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """First sample and length of each sequence, and what their correlation ids are."""

    steps: tuple[tuple[int, int], ...]
    id: str = "integer"
    first_id: int = 1


@dataclass(frozen=True, kw_only=True)
class Output:
    """An output that is asked for."""

    name: str
    parameters: Parameters


@dataclass(frozen=True, kw_only=True)
class Request:
    """One kind of request, as the module's text says."""

    name: str
    model: str
    version: str
    payload: Path
    weight: float
    outputs: tuple[Output, ...]
    parameters: Parameters
    headers: Mapping[str, str]
    timeout_s: float
    expect: Expect | None
    unique: Unique | None
    sequence: Sequences | None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A whole load test; ``text`` is the file's, ``digest`` the SHA-256 of it and what it names.

    ``certificate`` is a file with the one that the server shows over TLS, see `load_server`.
    """

    name: str
    seed: int
    protocol: str
    address: str
    duration_s: float
    warmup_s: float
    max_in_flight: int
    lag_limit: float
    arrivals: Arrivals
    requests: tuple[Request, ...]
    text: str
    digest: str
    certificate: str = ""

    @property
    def users(self) -> int:
        """Return how many requests can be on their way at once, over all workers."""
        if not self.arrivals.closed:
            return self.max_in_flight
        return round(max(max(stage.start, stage.end) for stage in self.arrivals.stages))


def read(path: Path) -> Scenario:
    """Read ``scenario.json``; raise `ScenarioError` for what can't be."""
    try:
        text = path.read_text("utf-8")
        said = json.loads(text)
        if said["scenario"] != FORMAT:
            raise ScenarioError(f"{path}: format {said['scenario']}, this program reads {FORMAT}")
        scenario = _scenario(said, path.parent, text)
        for file in _files(scenario):
            if not file.is_file():
                raise ScenarioError(f"{path} names {file}, which does not exist")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScenarioError(f"{path}: {type(error).__name__}: {error}") from None
    _check(scenario, path)
    return scenario


def _scenario(said: Mapping[str, Any], folder: Path, text: str) -> Scenario:
    requests = tuple(_request(each, said, folder) for each in said["requests"])
    arrivals = _arrivals(said["arrivals"], folder)
    named = sorted({request.payload for request in requests} | {arrivals.file} - {Path()})
    digest = hashlib.sha256(text.encode())
    for file in named:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return Scenario(
        name=said["name"],
        seed=int(said["seed"]),
        protocol=said["protocol"],
        address=said["address"],
        duration_s=float(said["duration_s"]),
        warmup_s=float(said.get("warmup_s", 0)),
        max_in_flight=int(said.get("max_in_flight", 256)),
        lag_limit=float(said.get("lag_limit", 0.1)),
        arrivals=arrivals,
        requests=requests,
        text=text,
        digest=digest.hexdigest(),
    )


def _arrivals(said: Mapping[str, Any], folder: Path) -> Arrivals:
    rest = {key: said[key] for key in ("size", "every_s") if key in said}
    stages = tuple(
        Stage(start=stage["from"], end=stage["to"], seconds=stage["seconds"])
        for stage in said.get("stages", ())
    )
    file = folder / said["file"] if "file" in said else Path()
    return Arrivals(law=said["law"], stages=stages, file=file, **rest)


def _request(said: Mapping[str, Any], common: Mapping[str, Any], folder: Path) -> Request:
    expect, unique, sequence = (said.get(key) for key in ("expect", "unique", "sequence"))
    return Request(
        name=said["name"],
        model=said["model"],
        version=said.get("version", ""),
        payload=folder / said["payload"],
        weight=float(said.get("weight", 1)),
        outputs=tuple(
            Output(name=output["name"], parameters=output.get("parameters", {}))
            for output in said.get("outputs", ())
        ),
        parameters=said.get("parameters", {}),
        headers={**common.get("headers", {}), **said.get("headers", {})},
        timeout_s=float(said.get("timeout_s") or common.get("timeout_s", 10)),
        expect=_expect(expect) if expect else None,
        unique=Unique(**unique) if unique else None,
        sequence=_sequences(sequence) if sequence else None,
    )


def _expect(said: Mapping[str, Any]) -> Expect:
    outputs = {
        name: Tensor(datatype=tensor["datatype"], shape=tuple(tensor["shape"]))
        for name, tensor in said["outputs"].items()
    }
    return Expect(**{**said, "outputs": outputs})


def _sequences(said: Mapping[str, Any]) -> Sequences:
    return Sequences(**{**said, "steps": tuple((first, count) for first, count in said["steps"])})


def _files(scenario: Scenario) -> Sequence[Path]:
    trace = [scenario.arrivals.file] if scenario.arrivals.law == "trace" else []
    return [*(request.payload for request in scenario.requests), *trace]


def _check(scenario: Scenario, path: Path) -> None:
    """Raise `ScenarioError` for what would send nothing, or never end."""
    arrivals = scenario.arrivals
    levels = [level for stage in arrivals.stages for level in (stage.start, stage.end)]
    lasting = all(stage.seconds > 0 for stage in arrivals.stages)
    law_fits = {
        "burst": arrivals.size > 0 and arrivals.every_s > 0,
        "trace": arrivals.file != Path(),
    }.get(arrivals.law, lasting and min(levels, default=-1) >= 0 and max(levels, default=0) > 0)
    checks = {
        f"protocol must be one of {', '.join(PROTOCOLS)}": scenario.protocol in PROTOCOLS,
        f"law must be one of closed, {', '.join(OPEN_LAWS)}": arrivals.closed
        or arrivals.law in OPEN_LAWS,
        f"{arrivals.law} arrivals need levels, sizes and times above 0": law_fits,
        "duration_s must be above 0, warmup_s 0 or more": scenario.duration_s > 0
        and scenario.warmup_s >= 0,
        "max_in_flight must be at least 1": scenario.max_in_flight >= 1,
        "requests must be at least one, their names different": bool(scenario.requests)
        and len({request.name for request in scenario.requests}) == len(scenario.requests),
        "weights and timeouts must be above 0": all(
            request.weight > 0 and request.timeout_s > 0 for request in scenario.requests
        ),
        "a sequence has at least one step": all(
            request.sequence.steps and all(count > 0 for _, count in request.sequence.steps)
            for request in scenario.requests
            if request.sequence
        ),
    }
    wrong = [text for text, fits in checks.items() if not fits]
    if wrong:
        raise ScenarioError(f"{path}: {'; '.join(wrong)}")
