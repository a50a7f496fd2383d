"""A server is believed that shows the named certificate, under whatever name; no other is."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import load_connections
import load_server
import pytest
import trustme
from load_answers import Failure
from load_scenario import ScenarioError
from tests.unit.runtime.load.test_run import kind

AUTHORITY = trustme.CA()


@pytest.fixture(params=["site.example", "*.site.example", "10.0.0.5"])
def shown(request: pytest.FixtureRequest, tmp_path: Path) -> trustme.LeafCert:
    """What the server shows, not for the address that it is reached at; ``shown.pem`` has it."""
    made = AUTHORITY.issue_cert(request.param)
    made.cert_chain_pems[0].write_to_path(tmp_path / "shown.pem")
    AUTHORITY.issue_cert("site.example").cert_chain_pems[0].write_to_path(tmp_path / "other.pem")
    return made


@pytest.fixture
def https(shown: trustme.LeafCert) -> Iterator[int]:
    """The port of a server that shows it and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.configure_cert(context)

    def serve() -> None:
        while True:
            try:
                arrived, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(arrived, server_side=True).close()
            except OSError:
                arrived.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.fixture
def grpcs(shown: trustme.LeafCert) -> Iterator[tuple[str, int]]:
    """The host and port of a gRPC server that shows it and knows no call."""
    pair = (shown.private_key_pem.bytes(), shown.cert_chain_pems[0].bytes())
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        server.start()
        yield "127.0.0.1", port
        server.stop(None).wait()


def test_over_http_the_named_certificate_is_believed_and_no_other(
    https: int, tmp_path: Path
) -> None:
    def greet(name: str) -> None:
        with (
            socket.create_connection(("127.0.0.1", https), 10) as plain,
            load_server.context(name).wrap_socket(plain, server_hostname="gateway"),
        ):
            pass

    greet(str(tmp_path / "shown.pem"))
    for name in (str(tmp_path / "other.pem"), ""):
        with pytest.raises(ssl.SSLCertVerificationError):
            greet(name)


def test_over_grpc_the_named_certificate_is_believed_and_no_other(
    grpcs: tuple[str, int], tmp_path: Path
) -> None:
    def call(name: str) -> Failure:
        server = load_server.Server(*grpcs, load_server.context(name))
        connection = load_connections.Grpc(server, streams=False).connect()
        with pytest.raises(Failure) as failed:
            connection.exchange(kind().request, b"")
        connection.close()
        return failed.value

    assert call(str(tmp_path / "shown.pem")).code == "UNIMPLEMENTED"
    refused = call(str(tmp_path / "other.pem"))
    assert (refused.kind, refused.code) == ("connection", "")
    assert "CERTIFICATE_VERIFY_FAILED" in refused.message


def test_a_server_that_speaks_only_http_1_is_told_apart(https: int, tmp_path: Path) -> None:
    context = load_server.context(str(tmp_path / "shown.pem"))
    server = load_server.Server("127.0.0.1", https, context)
    with pytest.raises(Failure, match="the server speaks no HTTP/2") as failed:
        load_connections.Grpc(server, streams=False).connect().exchange(kind().request, b"")
    assert failed.value.kind == "connection"


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.pem").write_text(text)
    with pytest.raises(ScenarioError, match=r"the certificate .*a\.pem can't be used"):
        load_server.context(str(tmp_path / "a.pem"))
    with pytest.raises(ScenarioError, match=r"b\.pem can't be used: .*No such file"):
        load_server.context(str(tmp_path / "b.pem"))
