"""HTTP/2 as gRPC uses it: a connection that carries one call after the other.

grpcio hands every call to threads of its own, and under gevent to others again: twice the processor
time of this, which a load program next to its server does not have, and waiting that the server is
not to blame for. hyperframe and hpack make and read what is on the wire; what is left for here is
how much may be sent, and how a call ends. Sockets are gevent's.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import grpc
from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError
from hyperframe.exceptions import HyperframeError
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

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEADER = 9
MESSAGE_HEADER = 5
"""Of a message of gRPC: a byte that says whether it is compressed, then its length."""

FRAME_SIZE, WINDOW = 2**14, 2**16 - 1
"""What may be sent as long as the other side says nothing else: in a frame, and in all."""

WIDEST = 2**31 - 1
"""A window that never makes the server wait."""

STATUS = {str(code.value[0]): code.name for code in grpc.StatusCode}
STATUS_OF_HTTP = {
    "400": "INTERNAL",
    "401": "UNAUTHENTICATED",
    "403": "PERMISSION_DENIED",
    "404": "UNIMPLEMENTED",
    "429": "UNAVAILABLE",
    "502": "UNAVAILABLE",
    "503": "UNAVAILABLE",
    "504": "UNAVAILABLE",
}
"""gRPC's statuses of answers that are not its own (grpc/doc/http-grpc-status-mapping.md)."""

REFUSED_STREAM, CANCEL, CALM, SECURITY = 7, 8, 11, 12
STATUS_OF_RESET = {
    REFUSED_STREAM: "UNAVAILABLE",
    CANCEL: "CANCELLED",
    CALM: "RESOURCE_EXHAUSTED",
    SECURITY: "PERMISSION_DENIED",
}
"""gRPC's statuses of streams that were reset (grpc/doc/PROTOCOL-HTTP2.md)."""


class ConnectionLostError(Exception):
    """The connection can't be used any more."""


class UntouchedError(ConnectionLostError):
    """The server is leaving and did not look at the call: it may be made again."""


def headers(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return fields as they may be sent any number of times, on any connection."""
    # What is never indexed changes nothing in the tables that a connection keeps.
    return Encoder().encode([(name, value, True) for name, value in fields])


class Http2:
    """A connection with one stream at a time."""

    def __init__(self, opened: socket.socket) -> None:
        """Begin on a connected socket; raise `OSError` or `ConnectionLostError` if that fails."""
        if isinstance(opened, ssl.SSLSocket) and opened.selected_alpn_protocol() != "h2":
            raise ConnectionLostError("the server speaks no HTTP/2 over TLS")
        self.socket = opened
        self.decoder = Decoder()
        self.unread = b""
        self.unsent: list[bytes] = []
        self.leaving = False
        self.frame_size, self.initial, self.window = FRAME_SIZE, WINDOW, WINDOW
        self.unacknowledged = 0
        self.stream = -1
        self._reset()
        settings = {SettingsFrame.INITIAL_WINDOW_SIZE: WIDEST, SettingsFrame.ENABLE_PUSH: 0}
        said = SettingsFrame(settings=settings), WindowUpdateFrame(0, WIDEST - WINDOW)
        self.socket.sendall(PREFACE + b"".join(frame.serialize() for frame in said))

    def _reset(self) -> None:
        self.stream_window, self.stream_unacknowledged = self.initial, 0
        self.body = bytearray()
        self.block = b""
        self.last = self.ended = False
        self.fields: dict[str, str] = {}
        self.error: int | None = None

    def usable(self) -> bool:
        """Read what came since the last call; return whether another can begin."""
        try:
            self.socket.settimeout(0)
            while not self.leaving:
                self._read(self.socket.recv(65536))
        except (BlockingIOError, ssl.SSLWantReadError):
            return not self.leaving
        except (OSError, ConnectionLostError):
            pass
        finally:
            self.socket.settimeout(None)
        return False

    def begin(self, block: bytes) -> None:
        """Begin a call with these headers; they go out with its first message."""
        self.stream += 2
        self._reset()
        self._later(HeadersFrame(self.stream, block, flags=["END_HEADERS"]))

    def send(self, message: bytes, *, last: bool) -> None:
        """Send a message, waiting where the server takes no more yet; ``last``: none follows."""
        rest = memoryview(b"\0" + len(message).to_bytes(4, "big") + message)
        while rest and not self.ended:
            size = min(self.frame_size, self.window, self.stream_window)
            if size <= 0:
                self._wait()
                continue
            part, rest = rest[:size], rest[size:]
            flags = ["END_STREAM"] if last and not rest else []
            self._later(DataFrame(self.stream, part.tobytes(), flags=flags))
            self.window -= len(part)
            self.stream_window -= len(part)
        # What ended before all was sent is still open on this side, for good.
        self.leaving = self.leaving or len(rest) > 0
        self._flush()

    def message(self) -> bytes | None:
        """Wait for a message; return none at the end of the call; raise `Failure` if it failed."""
        while (message := self._next()) is None and not self.ended:
            self._wait()
        if message is None:
            self._judge()
        return message

    def _next(self) -> bytes | None:
        """Return the first message of what came, if it is all there."""
        end = MESSAGE_HEADER + int.from_bytes(self.body[1:MESSAGE_HEADER], "big")
        if len(self.body) < max(MESSAGE_HEADER, end):
            return None
        message = bytes(self.body[MESSAGE_HEADER:end])
        del self.body[:end]
        return message

    def _judge(self) -> None:
        """Raise `Failure` unless the call ended well."""
        status = self.fields.get("grpc-status")
        if status == "0":
            return
        if status is not None:
            said = unquote(self.fields.get("grpc-message", ""))
            raise Failure("grpc", STATUS.get(status, status), said)
        http = self.fields.get(":status", "200")
        if http != "200":
            raise Failure("grpc", STATUS_OF_HTTP.get(http, "UNKNOWN"), f"HTTP {http}")
        if self.error is None:
            raise Failure("grpc", "UNKNOWN", "the server ended the call without a status")
        said = f"the server reset the call (HTTP/2 error {self.error})"
        raise Failure("grpc", STATUS_OF_RESET.get(self.error, "INTERNAL"), said)

    def _later(self, frame: Frame) -> None:
        self.unsent.append(frame.serialize())

    def _flush(self) -> None:
        if self.unsent:
            unsent, self.unsent = b"".join(self.unsent), []
            self.socket.sendall(unsent)

    def _wait(self) -> None:
        """Send what is ready, then read what comes next."""
        self._flush()
        self._read(self.socket.recv(65536))

    def _read(self, received: bytes) -> None:
        if not received:
            raise ConnectionLostError("the server closed the connection")
        try:
            for frame in self._frames(self.unread + received):
                self._take(frame)
        except (HyperframeError, HPACKError) as error:
            text = f"no HTTP/2: {type(error).__name__}: {error}"
            raise ConnectionLostError(text) from None
        self._flush()

    def _frames(self, data: bytes) -> Iterator[Frame]:
        """Give what is whole; keep the rest."""
        view, at = memoryview(data), 0
        while len(view) - at >= FRAME_HEADER:
            frame, length = Frame.parse_frame_header(view[at : at + FRAME_HEADER])
            end = at + FRAME_HEADER + length
            if length > FRAME_SIZE:
                raise ConnectionLostError(f"the server speaks no HTTP/2: {data[at : at + 20]!r}")
            if end > len(view):
                break
            frame.parse_body(view[at + FRAME_HEADER : end])
            at = end
            yield frame
        self.unread = data[at:]

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, DataFrame):
            self._data(frame)
        elif isinstance(frame, HeadersFrame | ContinuationFrame):
            self._headers(frame)
        elif isinstance(frame, WindowUpdateFrame):
            if frame.stream_id == 0:
                self.window += frame.window_increment
            elif frame.stream_id == self.stream:
                self.stream_window += frame.window_increment
        elif isinstance(frame, PingFrame) and "ACK" not in frame.flags:
            self._later(PingFrame(0, frame.opaque_data, flags=["ACK"]))
        elif isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self._settings(frame)
        elif isinstance(frame, RstStreamFrame) and frame.stream_id == self.stream:
            self._ended(frame.error_code)
        elif isinstance(frame, GoAwayFrame):
            self._away(frame)

    def _data(self, frame: DataFrame) -> None:
        size = frame.flow_controlled_length
        self.unacknowledged += size
        if self.unacknowledged > WIDEST // 2:
            self._later(WindowUpdateFrame(0, self.unacknowledged))
            self.unacknowledged = 0
        if frame.stream_id != self.stream:
            return
        self.body += frame.data
        self.stream_unacknowledged += size
        if "END_STREAM" in frame.flags:
            self._ended()
        elif self.stream_unacknowledged > WIDEST // 2:
            self._later(WindowUpdateFrame(self.stream, self.stream_unacknowledged))
            self.stream_unacknowledged = 0

    def _headers(self, frame: HeadersFrame | ContinuationFrame) -> None:
        self.block += frame.data
        self.last = self.last or "END_STREAM" in frame.flags
        if "END_HEADERS" in frame.flags:
            fields = self.decoder.decode(self.block)
            self.block = b""
            if frame.stream_id == self.stream:
                self.fields.update((str(name), str(value)) for name, value in fields)
                if self.last:
                    self._ended()

    def _ended(self, error: int | None = None) -> None:
        if not self.ended:
            self.ended, self.error = True, error

    def _settings(self, frame: SettingsFrame) -> None:
        said = frame.settings
        self.frame_size = said.get(SettingsFrame.MAX_FRAME_SIZE, self.frame_size)
        initial = said.get(SettingsFrame.INITIAL_WINDOW_SIZE, self.initial)
        self.stream_window += initial - self.initial
        self.initial = initial
        self._later(SettingsFrame(flags=["ACK"]))

    def _away(self, frame: GoAwayFrame) -> None:
        self.leaving = True
        if frame.last_stream_id < self.stream and not self.ended:
            text = frame.additional_data.decode("utf-8", "replace")
            kind = ConnectionLostError if frame.error_code else UntouchedError
            raise kind(f"GOAWAY, HTTP/2 error {frame.error_code}: {text}")

    def close(self) -> None:
        """Give the connection up, and a call that it carries."""
        self.socket.close()
