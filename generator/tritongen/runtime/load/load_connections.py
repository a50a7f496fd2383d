"""How a request's bytes get to the server, and its answer back: one connection, one at a time.

Most of it runs under gevent: what waits lets the other users go on. Some users are threads, see
`load_threads`.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

import gevent
import grpc
import grpc.experimental.gevent
import load_tls
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse
from load_answers import Answer, Failure
from load_payloads import Sample
from load_requests import GrpcRequests, HttpRequests, Step
from load_scenario import Request, Scenario, ScenarioError
from tritonclient.grpc import service_pb2 as v2

SERVICE = "/inference.GRPCInferenceService/"
CHANNELS = 4
"""Connections that a worker's users share; gateways allow each a hundred calls at once."""

# What gRPC says where there is no server, with the code that a server that is too busy sends.
UNREACHABLE = (
    "failed to connect",
    "Socket closed",
    "Connection re",
    "recvmsg",
    "Broken pipe",
    "GOAWAY",
)


@dataclass(frozen=True)
class Reply:
    """The responses to a request; of a stream also when each came (`time.perf_counter`)."""

    answers: Sequence[Answer]
    times: Sequence[float] = ()


class Requests(Protocol):
    """Requests of one kind, ready to be sent."""

    def encode(self, sample: int, number: int, step: Step | None) -> bytes:
        """Return the bytes of a request."""


class Connection(Protocol):
    """What a user sends its requests through."""

    def exchange(self, kind: Request, data: bytes) -> Reply:
        """Send a request and wait for all of its answer; raise `Failure` if there is none."""

    def close(self) -> None:
        """Give the connection up."""


class Protocols(Protocol):
    """A protocol: what is sent in it, and through what."""

    def requests(self, kind: Request, samples: Sequence[Sample]) -> Requests:
        """Make the samples of a kind of request ready."""

    def connect(self, number: int) -> Connection:
        """Return the connection of a user."""


def protocol(scenario: Scenario) -> Protocols:
    """Return the scenario's protocol; raise `ScenarioError` for an address that is none."""
    scheme, _, place = scenario.address.rpartition("://")
    host, _, port = place.rpartition(":")
    if scheme not in ("", "http", "https", "grpc", "grpcs") or not host or not port.isdecimal():
        raise ScenarioError(f"{scenario.address!r} is no address: host:port, https://host:port")
    secure = scheme in ("https", "grpcs")
    if scenario.protocol == "http":
        tls = load_tls.context(scenario.certificate) if secure else None
        return Http(host.strip("[]"), int(port), tls)
    return Grpc(place, secure, scenario)


# ---- HTTP ----


class Http:
    """HTTP/1.1 with binary tensors; each user keeps a connection alive."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Connect to a host and port, over TLS if it is said whom to believe."""
        self.host, self.port, self.tls = host, port, tls

    def requests(self, kind: Request, samples: Sequence[Sample]) -> HttpRequests:
        """Make the samples of a kind of request ready."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return HttpRequests(kind, samples, f"{host}:{self.port}")

    def connect(self, number: int) -> HttpConnection:
        """Return the connection of a user; it is opened by the first request."""
        return HttpConnection(self)

    def open(self) -> socket.socket:
        """Connect a socket."""
        plain = socket.create_connection((self.host, self.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(plain, server_hostname=self.host) if self.tls else plain


class HttpConnection:
    """A kept-alive connection, opened again after a failure or when the server closes it."""

    def __init__(self, http: Http) -> None:
        """Open nothing yet."""
        self.http = http
        self.socket: socket.socket | None = None

    def exchange(self, kind: Request, data: bytes) -> Reply:
        """Send a request and wait for its answer; raise `Failure` if there is none."""
        timer = gevent.Timeout.start_new(kind.timeout_s)
        try:
            if self.socket is None:
                self.socket = self.http.open()
            self.socket.sendall(data)
            response = HTTPSocketResponse(self.socket, block_size=65536, method="POST")
            body = bytes(response.read())
            kept = response.should_keep_alive()
        except gevent.Timeout as timeout:
            self.close()
            if timeout is not timer:
                raise
            raise Failure("timeout", "", f"no answer in {kind.timeout_s:g} s") from None
        except (OSError, HTTPParseError) as error:
            self.close()
            raise Failure("connection", "", f"{type(error).__name__}: {error}") from None
        except BaseException:
            self.close()
            raise
        finally:
            timer.close()
        if not kept:
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
    """Triton's gRPC service, messages already serialized."""

    def __init__(self, place: str, secure: bool, scenario: Scenario) -> None:
        """Call ``host:port``, over TLS if ``secure``."""
        if scenario.threads and not scenario.arrivals.closed:
            # A thread that waits reads its answer itself. From 1.80 on gRPC has other threads for
            # that: better for many calls at once, but 100 us later for one. Newer than 1.85, it may
            # not know this any more.
            os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_client")  # noqa: TID251
        self.place = place
        self.tls = load_tls.credentials(scenario.certificate, place) if secure else None
        self.streams = scenario.protocol == "grpc-stream"
        self.channels: list[grpc.Channel] = []
        if not scenario.threads:
            grpc.experimental.gevent.init_gevent()
            # A call, or a channel with streams, keeps one of these waiting; there are only ten.
            gevent.get_hub().threadpool.maxsize += scenario.users + CHANNELS
            self.channels = [self.channel() for _ in range(CHANNELS)]

    def channel(self) -> grpc.Channel:
        """Return a channel; it connects by itself when it is used."""
        # Without its own pool, channels to one place share one connection.
        options: list[tuple[str, int | str]] = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if self.tls:
            credentials, more = self.tls
            return grpc.secure_channel(self.place, credentials, [*options, *more])
        return grpc.insecure_channel(self.place, options)

    def requests(self, kind: Request, samples: Sequence[Sample]) -> GrpcRequests:
        """Make the samples of a kind of request ready."""
        return GrpcRequests(kind, samples, self.streams)

    def connect(self, number: int) -> Connection:
        """Return the connection of a user."""
        if not self.channels:
            return GrpcCalls(self.channel(), alone=True)
        channel = self.channels[number % CHANNELS]
        return GrpcStream(channel) if self.streams else GrpcCalls(channel, alone=False)


def metadata(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return headers as gRPC wants them."""
    return [(name.lower(), value) for name, value in headers.items()]


def failure(error: Any, timeout_s: float) -> Failure:
    """Say what an RPC's error is."""
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Failure("timeout", "", f"no answer in {timeout_s:g} s")
    if code is grpc.StatusCode.UNAVAILABLE and any(text in details for text in UNREACHABLE):
        return Failure("connection", "", details)
    return Failure("grpc", code.name, details)


class GrpcCalls:
    """One call per request."""

    def __init__(self, channel: grpc.Channel, *, alone: bool) -> None:
        """Call through a channel that others use, too, unless ``alone``."""
        self.call = channel.unary_unary(f"{SERVICE}ModelInfer")
        self.channel = channel if alone else None
        self.calling = False

    def exchange(self, kind: Request, data: bytes) -> Reply:
        """Send a request and wait for its answer; raise `Failure` if there is none."""
        self.calling = True
        try:
            body = self.call(data, timeout=kind.timeout_s, metadata=metadata(kind.headers))
        except grpc.RpcError as error:
            raise failure(error, kind.timeout_s) from None
        finally:
            self.calling = False
        return Reply((Answer(body=body),))

    def close(self) -> None:
        """Close the channel, but not a shared one: under gevent that may wait forever.

        Nor one that a thread still calls through: the call would fail, and be counted.
        """
        if self.channel is not None and not self.calling:
            self.channel.close()


class GrpcStream:
    """A stream that carries one request after the other, each with any number of responses."""

    def __init__(self, channel: grpc.Channel) -> None:
        """Open nothing yet."""
        self.open = channel.stream_stream(f"{SERVICE}ModelStreamInfer")
        self.call: Any = None
        self.headers: Mapping[str, str] = {}
        self.sent: SimpleQueue[bytes | None] = SimpleQueue()

    def exchange(self, kind: Request, data: bytes) -> Reply:
        """Send a request, read until its last response; raise `Failure` if one is an error."""
        if self.call is not None and self.headers != kind.headers:
            self.close()
        timer = gevent.Timeout.start_new(kind.timeout_s)
        try:
            if self.call is None:
                self.sent, self.headers = SimpleQueue(), kind.headers
                self.call = self.open(iter(self.sent.get, None), metadata=metadata(kind.headers))
            self.sent.put(data)
            return self._read()
        except gevent.Timeout as timeout:
            self.close()
            if timeout is not timer:
                raise
            raise Failure("timeout", "", f"no last response in {kind.timeout_s:g} s") from None
        except StopIteration:
            self.close()
            raise Failure("connection", "", "the server ended the stream") from None
        except grpc.RpcError as error:
            self.close()
            raise failure(error, kind.timeout_s) from None
        except BaseException:
            # What is still to come must not be taken for the next request's.
            self.close()
            raise
        finally:
            timer.close()

    def _read(self) -> Reply:
        answers, times = [], []
        while True:
            data = next(self.call)
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

    def close(self) -> None:
        """End the stream, whatever is still on its way."""
        if self.call is not None:
            self.sent.put(None)
            self.call.cancel()
            self.call = None
