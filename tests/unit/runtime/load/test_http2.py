"""gRPC as the load program speaks it, to gRPC's own server and to one that does the unusual."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from load_answers import Failure
from load_connections import Connection, Grpc
from load_http2 import PREFACE
from load_server import Server
from tests.unit.runtime.load.test_run import kind
from tritonclient.grpc import service_pb2 as v2


class Service(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers a call with its request, or with what its metadata asks for."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Return what answers a method."""
        if details.method.endswith("ModelInfer"):
            return grpc.unary_unary_rpc_method_handler(self.infer)
        return grpc.stream_stream_rpc_method_handler(self.stream)

    def infer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Answer."""
        said = dict(context.invocation_metadata())
        if "fail" in said:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "zu viel: 100 % = überfüllt\nmehr")
        return request

    def stream(
        self, requests: Iterable[bytes], context: grpc.ServicerContext
    ) -> Iterator[v2.ModelStreamInferResponse]:
        """Answer each request as often as it is long, then say that it was all."""
        for request in requests:
            if request == b"end":
                return
            if request == b"wrong":
                yield v2.ModelStreamInferResponse(error_message="wrong").SerializeToString()
                continue
            for last in [False] * len(request) + [True]:
                response = v2.ModelInferResponse(outputs=[] if last else [{"name": "Y"}])
                response.parameters["triton_final_response"].bool_param = last
                yield v2.ModelStreamInferResponse(infer_response=response).SerializeToString()


def started(port: int = 0) -> tuple[grpc.Server, int]:
    options = [(f"grpc.max_{way}_message_length", -1) for way in ("receive", "send")]
    server = grpc.server(ThreadPoolExecutor(2), [Service()], options=options)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port


@pytest.fixture
def port() -> Iterator[int]:
    """The port of gRPC's own server."""
    server, port = started()
    yield port
    server.stop(None).wait()


def connect(port: int, *, streams: bool = False) -> Connection:
    return Grpc(Server("127.0.0.1", port, None), streams).connect()


def called(connection: Connection, data: bytes = b"x", **said: Any) -> bytes:
    (answer,) = connection.exchange(kind(**said).request, data).answers
    return answer.body


def failed(connection: Connection, data: bytes = b"x", **said: Any) -> tuple[str, str, str]:
    with pytest.raises(Failure) as raised:
        connection.exchange(kind(**said).request, data)
    return raised.value.kind, raised.value.code, raised.value.message


def test_messages_of_any_size_come_back(port: int) -> None:
    connection = connect(port)
    for size in (0, 1, 9000, 2**14, 2**16 + 1, 5_000_000, 3):
        data = bytes(i % 251 for i in range(min(size, 1000))) * (size // 1000 + 1)
        assert called(connection, data[:size]) == data[:size]
    connection.close()


def test_a_status_is_told_and_the_connection_goes_on(port: int) -> None:
    connection = connect(port)
    exceeded = ("grpc", "RESOURCE_EXHAUSTED", "zu viel: 100 % = überfüllt")
    assert failed(connection, name="fails", headers={"FAIL": "1"}) == exceeded
    assert called(connection, b"and on") == b"and on"
    connection.close()


def test_a_stream_carries_one_request_after_the_other(port: int) -> None:
    connection = connect(port, streams=True)
    for data in (b"abc", b"", b"a"):
        reply = connection.exchange(kind().request, data)
        assert len(reply.answers) == len(reply.times) == len(data)
    assert failed(connection, b"wrong") == ("grpc", "", "wrong")
    assert failed(connection, b"end") == ("connection", "", "the server ended the stream")
    assert len(connection.exchange(kind().request, b"ab").answers) == 2
    connection.close()


@pytest.mark.parametrize("streams", [False, True])
def test_a_server_that_was_started_again_is_called_on_a_new_connection(streams: bool) -> None:
    server, port = started()
    connection = connect(port, streams=streams)
    connection.exchange(kind().request, b"x")
    server.stop(None).wait()
    server, _ = started(port)
    assert len(connection.exchange(kind().request, b"x").answers) == 1
    connection.close()
    server.stop(None).wait()


# ---- What no usual server does ----


class Peer:
    """One connection's other side: reads frames, answers with others."""

    def __init__(self, arrived: socket.socket) -> None:
        self.socket, self.buffer, self.encoder = arrived, b"", Encoder()
        assert self.take(len(PREFACE)) == PREFACE

    def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            received = self.socket.recv(65536)
            if not received:
                raise ConnectionResetError
            self.buffer += received
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def read(self, *kinds: type[Frame]) -> Frame:
        """Read up to the next frame of these kinds that is not an acknowledgement."""
        while True:
            frame, length = Frame.parse_frame_header(memoryview(self.take(9)))
            frame.parse_body(memoryview(self.take(length)))
            if isinstance(frame, kinds):
                return frame

    def request(self) -> int:
        """Read a whole request; return its stream."""
        while "END_STREAM" not in (frame := self.read(DataFrame)).flags:
            pass
        return frame.stream_id

    def send(self, *frames: Frame) -> None:
        self.socket.sendall(b"".join(frame.serialize() for frame in frames))

    def fields(self, stream: int, *fields: tuple[str, str], end: bool = False) -> HeadersFrame:
        flags = ["END_HEADERS"] + ["END_STREAM"] * end
        return HeadersFrame(stream, self.encoder.encode(fields), flags=flags)

    def answer(self, stream: int, message: bytes) -> None:
        self.send(
            self.fields(stream, (":status", "200")),
            DataFrame(stream, b"\0" + len(message).to_bytes(4, "big") + message),
            self.fields(stream, ("grpc-status", "0"), end=True),
        )


Play = Callable[[Peer], None]


@pytest.fixture
def play() -> Iterator[Callable[..., int]]:
    """Serve one connection after the other with these; return the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve(*plays: Play) -> int:
        def run() -> None:
            for each in plays:
                arrived, _ = listener.accept()
                arrived.settimeout(10)
                with arrived:
                    each(Peer(arrived))

        threads.append(threading.Thread(target=run))
        threads[0].start()
        port: int = listener.getsockname()[1]
        return port

    yield serve
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    listener.close()


def test_what_a_leaving_server_did_not_look_at_is_asked_again(play: Callable[..., int]) -> None:
    def leaves(peer: Peer) -> None:
        peer.answer(peer.request(), b"first")
        stream = peer.request()
        peer.send(GoAwayFrame(0, last_stream_id=stream - 2))

    def serves(peer: Peer) -> None:
        peer.answer(peer.request(), b"again")

    connection = connect(play(leaves, serves))
    assert [called(connection) for _ in range(2)] == [b"first", b"again"]
    connection.close()


def test_a_server_that_leaves_answers_what_it_has_begun(play: Callable[..., int]) -> None:
    def leaves(peer: Peer) -> None:
        stream = peer.request()
        peer.send(GoAwayFrame(0, last_stream_id=2**31 - 1), GoAwayFrame(0, last_stream_id=stream))
        peer.answer(stream, b"last")

    def serves(peer: Peer) -> None:
        peer.answer(peer.request(), b"first")

    connection = connect(play(leaves, serves))
    assert [called(connection) for _ in range(2)] == [b"last", b"first"]
    connection.close()


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (
            lambda peer, stream: RstStreamFrame(stream, error_code=11),
            ("grpc", "RESOURCE_EXHAUSTED", "the server reset the call (HTTP/2 error 11)"),
        ),
        (
            lambda peer, stream: peer.fields(stream, (":status", "503"), end=True),
            ("grpc", "UNAVAILABLE", "HTTP 503"),
        ),
        (
            lambda peer, stream: peer.fields(stream, (":status", "200"), end=True),
            ("grpc", "UNKNOWN", "the server ended the call without a status"),
        ),
        (
            lambda peer, stream: GoAwayFrame(
                0, last_stream_id=0, error_code=11, additional_data=b"too_many_pings"
            ),
            ("connection", "", "ConnectionLostError: GOAWAY, HTTP/2 error 11: too_many_pings"),
        ),
    ],
)
def test_how_else_a_call_ends_is_told(
    play: Callable[..., int],
    frame: Callable[[Peer, int], Frame],
    told: tuple[str, str, str],
) -> None:
    connection = connect(play(lambda peer: peer.send(frame(peer, peer.request()))))
    assert failed(connection) == told
    connection.close()


def test_a_server_that_hangs_up_is_told(play: Callable[..., int]) -> None:
    connection = connect(play(lambda peer: peer.request()))
    kind, _, message = failed(connection)
    assert kind == "connection"
    assert message in (
        "ConnectionLostError: the server closed the connection",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
    )


def test_one_that_speaks_something_else_is_told(play: Callable[..., int]) -> None:
    text = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    connection = connect(play(lambda peer: peer.socket.sendall(text)))
    kind, _, message = failed(connection)
    assert kind == "connection"
    assert message.startswith("ConnectionLostError: the server speaks no HTTP/2: b'HTTP/1.1 400 ")


def test_pings_are_answered_and_only_what_is_allowed_is_sent(play: Callable[..., int]) -> None:
    seen: list[int] = []

    def narrow(peer: Peer) -> None:
        stream = peer.request()
        settings = {SettingsFrame.INITIAL_WINDOW_SIZE: 10, SettingsFrame.MAX_FRAME_SIZE: 20000}
        peer.send(SettingsFrame(settings=settings), PingFrame(0, b"12345678"))
        ping = peer.read(PingFrame)
        assert (ping.opaque_data, set(ping.flags)) == (b"12345678", {"ACK"})
        peer.answer(stream, b"one")
        while "END_STREAM" not in (frame := peer.read(DataFrame)).flags:
            seen.append(len(frame.data))
            peer.send(WindowUpdateFrame(frame.stream_id, len(frame.data)))
            peer.send(WindowUpdateFrame(0, len(frame.data)))
        seen.append(len(frame.data))
        peer.answer(frame.stream_id, b"two")

    connection = connect(play(narrow))
    assert called(connection, b"x") == b"one"
    assert called(connection, b"x" * 30) == b"two"
    assert seen == [10, 10, 10, 5]
    connection.close()


def test_headers_in_parts_padding_and_frames_of_other_kinds_are_read(
    play: Callable[..., int],
) -> None:
    def unusual(peer: Peer) -> None:
        stream = peer.request()
        block = peer.encoder.encode([(":status", "200"), ("x-long", "y" * 300)])
        peer.socket.sendall(b"\0\0\3\xee\0\0\0\0\0abc")  # a kind of frame that nobody knows
        peer.send(
            HeadersFrame(stream, block[:7]),
            ContinuationFrame(stream, block[7:20]),
            ContinuationFrame(stream, block[20:], flags=["END_HEADERS"]),
        )
        body = b"\0\0\0\0\5hello"
        peer.send(
            DataFrame(stream, body[:2]),
            DataFrame(stream, body[2:8], flags=["PADDED"], pad_length=3),
            DataFrame(stream, body[8:]),
        )
        peer.send(peer.fields(stream, ("grpc-status", "0"), end=True))

    connection = connect(play(unusual))
    assert called(connection) == b"hello"
    connection.close()
