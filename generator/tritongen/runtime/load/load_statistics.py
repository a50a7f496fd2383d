"""What the server's models do, from Triton's statistics: counters, and what they grew by.

They are asked for at the address that is under load, over its protocol. Where that is a gateway's
each answer would be another server's: then all servers that a name stands for are asked.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException

from google.protobuf.json_format import Parse, ParseError
from load_answers import Failure
from load_connections import Grpc, GrpcCalls, Http, protocol
from load_scenario import Scenario
from tritonclient.grpc.service_pb2 import (
    ModelStatistics,
    ModelStatisticsRequest,
    ModelStatisticsResponse,
)

TIMEOUT_S = 2.0


class SilenceError(Exception):
    """The server told no statistics; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What a model has done; times are nanoseconds of all its requests, rows those executed.

    ``batches`` maps a batch size to how many executions had it.
    """

    requests: int = 0
    failed: int = 0
    rows: int = 0
    executions: int = 0
    queue: int = 0
    compute_input: int = 0
    compute_infer: int = 0
    compute_output: int = 0
    batches: Mapping[int, int] = field(default_factory=dict)

    def since(self, before: Counted) -> Counted:
        """Return what was done in between; all of it where a model was loaded again."""
        if self.requests < before.requests or self.executions < before.executions:
            return self
        batches = {
            size: count - before.batches.get(size, 0)
            for size, count in self.batches.items()
            if count > before.batches.get(size, 0)
        }
        grown = {name: getattr(self, name) - getattr(before, name) for name in NUMBERS}
        return Counted(**grown, batches=batches)

    def plus(self, other: Counted) -> Counted:
        """Return what two versions of a model have done."""
        sizes = self.batches.keys() | other.batches.keys()
        batches = {size: self.batches.get(size, 0) + other.batches.get(size, 0) for size in sizes}
        added = {name: getattr(self, name) + getattr(other, name) for name in NUMBERS}
        return Counted(**added, batches=batches)

    def milliseconds(self, part: str) -> float:
        """Return a time per request, 0 without one."""
        return float(getattr(self, part) / self.requests / 1e6) if self.requests else 0.0


TIMES = ("queue", "compute_input", "compute_infer", "compute_output")
NUMBERS = ("requests", "failed", "rows", "executions", *TIMES)


Models = Mapping[str, Counted]
"""By name."""


class Statistics:
    """Asks servers for the statistics of all their models."""

    def __init__(self, scenario: Scenario, place: str = "") -> None:
        """Ask the server of a scenario, or over HTTP those at ``place``, host and port.

        Raises `ScenarioError` if that is no address.
        """
        self.behind = bool(place)
        self.way = protocol(
            replace(scenario, address=place, protocol="http") if place else scenario
        )
        request = replace(scenario.requests[0], timeout_s=TIMEOUT_S)
        self.request = replace(request, headers={}) if place else request
        self.calls: GrpcCalls | None = None

    def ask(self) -> dict[str, Models]:
        """Return what each server's models have done; raise `SilenceError` if none says it."""
        if not isinstance(self.way, Http):
            assert isinstance(self.way, Grpc)
            return {"": counted(self._grpc(self.way).model_stats)}
        found: dict[str, Models] = {}
        silence = ""
        for host in self._hosts(self.way):
            try:
                found[host] = counted(self._http(self.way, host).model_stats)
            except SilenceError as error:
                silence = str(error)
        if not found:
            raise SilenceError(silence)
        return found

    def _hosts(self, way: Http) -> list[str]:
        """Return the addresses of the servers that are there now, or the one host."""
        if not self.behind:
            return [way.server.host]
        try:
            found = socket.getaddrinfo(way.server.host, way.server.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise SilenceError(f"{way.server.host}: {error}") from None
        return sorted({str(place[0]) for *_, place in found})

    def _http(self, way: Http, host: str) -> ModelStatisticsResponse:
        connection = HTTPConnection(host, way.server.port, timeout=TIMEOUT_S)
        try:
            if not self.behind:
                connection.sock = way.server.open()
                connection.sock.settimeout(TIMEOUT_S)
            connection.request("GET", "/v2/models/stats", headers=dict(self.request.headers))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise SilenceError(f"HTTP {answer.status}: {text[:200].decode('utf-8', 'replace')}")
            return Parse(text, ModelStatisticsResponse(), ignore_unknown_fields=True)
        except (OSError, HTTPException, ParseError) as error:
            raise SilenceError(f"{type(error).__name__}: {error}") from None
        finally:
            connection.close()

    def _grpc(self, way: Grpc) -> ModelStatisticsResponse:
        if self.calls is None:
            self.calls = GrpcCalls(way.server, "ModelStatistics")
        try:
            reply = self.calls.exchange(self.request, ModelStatisticsRequest().SerializeToString())
        except Failure as failure:
            raise SilenceError(str(failure)) from None
        return ModelStatisticsResponse.FromString(reply.answers[0].body)


def counted(said: Iterable[ModelStatistics]) -> dict[str, Counted]:
    """Add up the versions of each model, by its name."""
    models: dict[str, Counted] = {}
    for each in said:
        parts = {name: getattr(each.inference_stats, name).ns for name in TIMES}
        one = Counted(
            requests=each.inference_stats.success.count,
            failed=each.inference_stats.fail.count,
            rows=each.inference_count,
            executions=each.execution_count,
            batches={int(row.batch_size): row.compute_infer.count for row in each.batch_stats},
            **parts,
        )
        models[each.name] = models.get(each.name, Counted()).plus(one)
    return models
