"""How a request's bytes get to the server, and its answer back: one connection, one at a time.

It runs under gevent: what waits lets the other users go on.
"""

from __future__ import annotations

import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import gevent
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse
from load_answers import Answer, Failure
from load_http2 import ConnectionLostError, Http2, UntouchedError, headers
from load_payloads import Sample
from load_requests import GrpcRequests, HttpRequests, Step
from load_scenario import Request, Scenario, ScenarioError
from load_server import Server, context
from tritonclient.grpc import service_pb2 as v2

LAST_PORT = 65535


@dataclass(frozen=True)
class Reply:
    """The responses to a request; of a stream also when each came (`time.perf_counter`)."""

    answers: Sequence[Answer]
    times: Sequence[float] = ()


class Requests(Protocol):
    """Requests of one kind, ready to be sent."""

    def encode(self, sample: int, number: int, step: Step | None) -> bytes:
        """Return the bytes of a request."""


class Connection(ABC):
    """What a user sends its requests through; it is opened again after it was lost."""

    def exchange(self, kind: Request, data: bytes) -> Reply:
        """Send a request and wait for all of its answer; raise `Failure` if there is none."""
        timer = gevent.Timeout.start_new(kind.timeout_s)
        try:
            return self._exchange(kind, data)
        except gevent.Timeout as timeout:
            self.close()
            if timeout is not timer:
                raise
            raise Failure("timeout", "", f"no answer in {kind.timeout_s:g} s") from None
        except (OSError, HTTPParseError, ConnectionLostError) as error:
            self.close()
            raise Failure("connection", "", f"{type(error).__name__}: {error}") from None
        except Failure:
            raise
        except BaseException:
            self.close()
            raise
        finally:
            timer.close()

    @abstractmethod
    def _exchange(self, kind: Request, data: bytes) -> Reply:
        """Do it, however long it takes."""

    @abstractmethod
    def close(self) -> None:
        """Give the connection up, if there is one."""


class Protocols(Protocol):
    """A protocol: what is sent in it, and through what."""

    def requests(self, kind: Request, samples: Sequence[Sample]) -> Requests:
        """Make the samples of a kind of request ready."""

    def connect(self) -> Connection:
        """Return the connection of a user; it is opened by the first request."""


def protocol(scenario: Scenario) -> Protocols:
    """Return the scenario's protocol; raise `ScenarioError` for an address that is none."""
    scheme, _, place = scenario.address.rpartition("://")
    host, _, port = place.rpartition(":")
    known = scheme in ("", "http", "https", "grpc", "grpcs") and host and port.isdecimal()
    if not known or int(port) > LAST_PORT:
        raise ScenarioError(f"{scenario.address!r} is no address: host:port, https://host:port")
    tls = context(scenario.certificate) if scheme in ("https", "grpcs") else None
    server = Server(host.strip("[]"), int(port), tls)
    if scenario.protocol == "http":
        return Http(server)
    return Grpc(server, scenario.protocol == "grpc-stream")


# ---- HTTP ----


class Http:
    """HTTP/1.1 with binary tensors; each user keeps a connection alive."""

    def __init__(self, server: Server) -> None:
        """Connect to a server."""
        self.server = server

    def requests(self, kind: Request, samples: Sequence[Sample]) -> HttpRequests:
        """Make the samples of a kind of request ready."""
        return HttpRequests(kind, samples, self.server.authority)

    def connect(self) -> HttpConnection:
        """Return the connection of a user; it is opened by the first request."""
        return HttpConnection(self.server)


class HttpConnection(Connection):
    """A kept-alive connection."""

    def __init__(self, server: Server) -> None:
        """Open nothing yet."""
        self.server = server
        self.socket: socket.socket | None = None

    def _exchange(self, kind: Request, data: bytes) -> Reply:
        if self.socket is None:
            self.socket = self.server.open()
        self.socket.sendall(data)
        response = HTTPSocketResponse(self.socket, block_size=65536, method="POST")
        body = bytes(response.read())
        if not response.should_keep_alive():
            self.close()
        if response.status_code != 200:
            text = body.decode("utf-8", "replace")
            raise Failure("http", str(response.status_code), text)
        return Reply((Answer(body=body, header=int(str(response.get(HEADER_LENGTH) or 0))),))

    def close(self) -> None:
        """Close the socket, if it is open."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


HEADER_LENGTH = "inference-header-content-length"


# ---- gRPC ----


class Grpc:
    """Triton's gRPC service, messages already serialized; each user keeps a connection open."""

    def __init__(self, server: Server, streams: bool) -> None:
        """Call a server, or with ``streams`` have a stream that carries all requests of a user."""
        if server.tls:
            server.tls.set_alpn_protocols(["h2"])
        self.server, self.streams = server, streams

    def requests(self, kind: Request, samples: Sequence[Sample]) -> GrpcRequests:
        """Make the samples of a kind of request ready."""
        return GrpcRequests(kind, samples, self.streams)

    def connect(self) -> Connection:
        """Return the connection of a user; it is opened by the first request."""
        if self.streams:
            return GrpcStream(self.server, "ModelStreamInfer")
        return GrpcCalls(self.server, "ModelInfer")


class GrpcConnection(Connection):
    """A connection over which methods of Triton's service are called."""

    def __init__(self, server: Server, method: str) -> None:
        """Call a method of the server; open nothing yet."""
        self.server, self.method = server, method
        self.http2: Http2 | None = None
        self.blocks: dict[str, bytes] = {}

    def _exchange(self, kind: Request, data: bytes) -> Reply:
        while True:
            if self.http2 is not None and not self.http2.usable():
                self.close()
            try:
                return self._ask(kind, data)
            except UntouchedError:
                self.close()

    @abstractmethod
    def _ask(self, kind: Request, data: bytes) -> Reply:
        """Send a request and read its answer; the connection is usable, or closed."""

    def begin(self, kind: Request) -> Http2:
        """Begin a call, on a new connection if there is none."""
        if self.http2 is None:
            opened = self.server.open()
            try:
                self.http2 = Http2(opened)
            except BaseException:
                opened.close()
                raise
        if kind.name not in self.blocks:
            self.blocks[kind.name] = self._headers(kind)
        self.http2.begin(self.blocks[kind.name])
        return self.http2

    def _headers(self, kind: Request) -> bytes:
        return headers(
            [
                (":method", "POST"),
                (":scheme", "https" if self.server.tls else "http"),
                (":path", f"/inference.GRPCInferenceService/{self.method}"),
                (":authority", self.server.authority),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                *((name.lower(), value) for name, value in kind.headers.items()),
            ]
        )

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self.http2 is not None:
            self.http2.close()
            self.http2 = None


class GrpcCalls(GrpcConnection):
    """One call per request."""

    def _ask(self, kind: Request, data: bytes) -> Reply:
        http2 = self.begin(kind)
        http2.send(data, last=True)
        answers = []
        while (body := http2.message()) is not None:
            answers.append(Answer(body=body))
        return Reply(answers)


class GrpcStream(GrpcConnection):
    """A stream that carries one request after the other, each with any number of responses."""

    def __init__(self, server: Server, method: str) -> None:
        """Call a method of the server; open nothing yet."""
        super().__init__(server, method)
        self.headers: Mapping[str, str] = {}

    def _ask(self, kind: Request, data: bytes) -> Reply:
        if self.http2 is not None and (self.headers != kind.headers or self.http2.ended):
            self.close()
        if self.http2 is None:
            self.headers = kind.headers
        http2 = self.http2 or self.begin(kind)
        try:
            http2.send(data, last=False)
            return self._read(http2)
        except Failure:
            # What is still to come must not be taken for the next request's.
            self.close()
            raise

    def _read(self, http2: Http2) -> Reply:
        answers, times = [], []
        while (data := http2.message()) is not None:
            now = time.perf_counter()
            message = v2.ModelStreamInferResponse.FromString(data)
            if message.error_message:
                raise Failure("grpc", "", message.error_message)
            response = message.infer_response
            if response.outputs:
                answers.append(Answer(body=response.SerializeToString()))
                times.append(now)
            if response.parameters["triton_final_response"].bool_param:
                return Reply(answers, times)
        raise Failure("connection", "", "the server ended the stream")
