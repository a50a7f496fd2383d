"""A server is believed that shows the named certificate, under whatever name; no other is."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import load_tls
import pytest
import trustme
from load_scenario import ScenarioError

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
def grpcs(shown: trustme.LeafCert) -> Iterator[str]:
    """The address of a gRPC server that shows it and knows no call."""
    pair = (shown.private_key_pem.bytes(), shown.cert_chain_pems[0].bytes())
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(None).wait()


def test_over_http_the_named_certificate_is_believed_and_no_other(
    https: int, tmp_path: Path
) -> None:
    def greet(name: str) -> None:
        with (
            socket.create_connection(("127.0.0.1", https), 10) as plain,
            load_tls.context(name).wrap_socket(plain, server_hostname="gateway"),
        ):
            pass

    greet(str(tmp_path / "shown.pem"))
    for name in (str(tmp_path / "other.pem"), ""):
        with pytest.raises(ssl.SSLCertVerificationError):
            greet(name)


def test_over_grpc_the_named_certificate_is_believed_and_no_other(
    grpcs: str, tmp_path: Path
) -> None:
    credentials, options = load_tls.credentials(str(tmp_path / "shown.pem"), grpcs)
    with (
        grpc.secure_channel(grpcs, credentials, options) as channel,
        pytest.raises(grpc.RpcError) as answered,
    ):
        channel.unary_unary("/any/Call")(b"", timeout=10)
    assert answered.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(ScenarioError, match=r"does not show .*other\.pem: .*CERTIFICATE_VERIFY"):
        load_tls.credentials(str(tmp_path / "other.pem"), grpcs)


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.pem").write_text(text)
    with pytest.raises(ScenarioError, match=r"the certificate .*a\.pem can't be used"):
        load_tls.credentials(str(tmp_path / "a.pem"), "127.0.0.1:9")
    with pytest.raises(ScenarioError, match=r"b\.pem can't be used: .*No such file"):
        load_tls.context(str(tmp_path / "b.pem"))
