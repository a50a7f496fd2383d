"""Load tests of a server behind TLS, in both protocols, with certificates known and unknown."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from tests.integration.load_cli.conftest import Project

pytestmark = pytest.mark.server


class Door:
    """Ends TLS on a port of its own and hands what was inside to a plain one, and back."""

    def __init__(self, context: ssl.SSLContext, to: str) -> None:
        host, _, port = to.rpartition(":")
        self.to = (host, int(port))
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                arrived, _ = self.listener.accept()
                threading.Thread(target=self.connect, args=(arrived,), daemon=True).start()

    def connect(self, arrived: socket.socket) -> None:
        with suppress(OSError), self.context.wrap_socket(arrived, server_side=True) as outside:
            inside = socket.create_connection(self.to)
            # One TLS socket is not read and written at the same time by two threads without care:
            # what comes in is read with a timeout, so that what goes out gets its turn.
            outside.settimeout(0.001)
            inside.settimeout(0.001)
            while self.pass_on(outside, inside) and self.pass_on(inside, outside):
                pass
            inside.close()

    @staticmethod
    def pass_on(source: socket.socket, sink: socket.socket) -> bool:
        try:
            data = source.recv(1 << 16)
        except TimeoutError:
            return True
        if data:
            sink.settimeout(5)
            sink.sendall(data)
            sink.settimeout(0.001)
        return bool(data)


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "authority.pem")
    return made


@pytest.fixture
def doors(served: Project, authority: trustme.CA) -> Iterator[dict[str, Door]]:
    endpoint = served.endpoint()
    opened = {}
    for protocol, spoken in (("http", "http/1.1"), ("grpc", "h2")):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols([spoken])
        authority.issue_cert("127.0.0.1").configure_cert(context)
        opened[protocol] = Door(context, endpoint[protocol])
    yield opened
    for door in opened.values():
        door.listener.close()


@pytest.mark.parametrize(
    ("test", "protocol", "scheme"), [("users", "http", "https"), ("quiet", "grpc", "grpcs")]
)
def test_a_server_is_put_under_load_over_tls(
    served: Project,
    doors: dict[str, Door],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: str,
    protocol: str,
    scheme: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    url = f"{scheme}://127.0.0.1:{doors[protocol].port}"

    done = served.load(test, "--url", url)

    assert done.code == 0, done.err
    result = served.result(test)
    assert result["client"]["address"] == url
    assert result["total"]["answered"] == result["total"]["offered"] > 20
    assert result["server"]["models"], "its counters are read over TLS, too"


@pytest.mark.parametrize(
    ("test", "protocol", "scheme"), [("users", "http", "https"), ("quiet", "grpc", "grpcs")]
)
def test_a_certificate_that_nobody_vouches_for_is_refused(
    served: Project, doors: dict[str, Door], test: str, protocol: str, scheme: str
) -> None:
    done = served.run("load", test, "--url", f"{scheme}://127.0.0.1:{doors[protocol].port}")

    assert done.code == 6
    assert f"no Triton answers at {scheme}://127.0.0.1" in done.err
    assert "SSL_CERT_FILE" in done.err
    assert "Traceback" not in done.err
