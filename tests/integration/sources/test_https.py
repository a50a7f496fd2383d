"""Downloads from a real HTTPS server on this machine."""

import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tritongen.errors import HostError, SpecError
from tritongen.parts import sources
from tritongen.parts.sources import Search, _http
from tritongen.records.spec import Source

CERTIFICATE = Path(__file__).parents[2] / "cases" / "tls" / "localhost.pem"
CONTENT = bytes(range(256)) * 8192  # 2 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Answers(BaseHTTPRequestHandler):
    """Serves ``CONTENT``; the path says how."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        asked = self.headers.get("Range", "")
        server.asked.append((self.path, asked))
        if self.path.startswith("/status/"):
            return self._answer(int(self.path.rpartition("/")[2]), b"")
        if self.path == "/plain":
            return self._answer(302, b"", Location="http://127.0.0.1/model.onnx")
        if self.path == "/moved":
            return self._answer(302, b"", Location="/model.onnx")
        tag = server.etag
        if asked and self.headers.get("If-Range") == tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            return self._answer(206, CONTENT[start:], ETag=tag)
        if server.breaks:
            server.breaks -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(CONTENT[: len(CONTENT) // 2])
            self.close_connection = True
            return None
        return self._answer(200, CONTENT, ETag=tag)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


class Server(ThreadingHTTPServer):
    """A server that remembers what was asked, and breaks off as often as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.asked: list[tuple[str, str]] = []
        self.etag = '"one"'
        self.breaks = 0

    def address(self, path: str) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, *_: object) -> None:
        """A client that goes away is part of the test."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(
        base=tmp_path, downloads=tmp_path / "downloads", fetch=True, progress=lambda *_: None
    )


def get(address: str, search: Search, sha256: str | None = None) -> Path:
    return sources.locate(Source(path=address, sha256=sha256), search)


def test_a_file_is_downloaded_once(server: Server, search: Search) -> None:
    first = get(server.address("/model.onnx"), search)
    again = get(server.address("/model.onnx"), search)
    assert first.read_bytes() == CONTENT
    assert (again, first.name) == (first, "model.onnx")
    assert len(server.asked) == 1
    assert [file.name for file in first.parent.iterdir() if file.suffix == ".part"] == []


def test_progress_ends_with_all_bytes(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    search = Search(
        base=tmp_path,
        downloads=tmp_path / "downloads",
        fetch=True,
        progress=lambda *said: told.append(said),
    )
    get(server.address("/model.onnx"), search)
    assert told[-1] == ("model.onnx", len(CONTENT), len(CONTENT))


def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    server: Server, search: Search
) -> None:
    server.breaks = 1
    assert get(server.address("/model.onnx"), search).read_bytes() == CONTENT
    assert [bool(asked) for _, asked in server.asked] == [False, True]


def test_the_next_run_goes_on_unless_the_file_has_changed(server: Server, search: Search) -> None:
    server.breaks, server.etag = _http.TRIES, ""  # without a tag, no try can go on
    with pytest.raises(HostError, match="could not download"):
        get(server.address("/model.onnx"), search)
    server.breaks, server.etag = 1, '"one"'
    (part,) = search.downloads.rglob("*.part")
    part.write_bytes(b"something old")
    part.with_name(f"{part.name}.etag").write_text('"zero"')
    assert get(server.address("/model.onnx"), search, None).read_bytes() == CONTENT


def test_a_wrong_hash_is_refused_and_not_kept(server: Server, search: Search) -> None:
    address = server.address("/model.onnx")
    with pytest.raises(SpecError, match=SHA256) as error:
        get(address, search, "0" * 64)
    assert error.value.findings[0].code == "TG054"
    assert not list(search.downloads.rglob("model.onnx"))
    assert get(address, search, SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [204, 401, 403, 404, 410])
def test_a_server_without_the_file_is_a_finding(
    status: int, server: Server, search: Search
) -> None:
    with pytest.raises(SpecError, match=str(status)) as error:
        get(server.address(f"/status/{status}"), search)
    assert error.value.findings[0].code == "TG053"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_the_hosts_problem(
    status: int, server: Server, search: Search
) -> None:
    with pytest.raises(HostError, match=str(status)):
        get(server.address(f"/status/{status}"), search)


def test_redirects_are_followed_but_never_to_plain_http(server: Server, search: Search) -> None:
    assert get(server.address("/moved"), search).read_bytes() == CONTENT
    with pytest.raises(SpecError, match="without encryption"):
        get(server.address("/plain"), search)


def test_an_unknown_certificate_is_refused(
    server: Server, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(HostError, match="CERTIFICATE_VERIFY_FAILED"):
        get(server.address("/model.onnx"), search)


def test_no_network_is_the_hosts_problem(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(HostError, match="could not download") as error:
        get("https://127.0.0.1:1/model.onnx", search)
    assert "HTTPS_PROXY" in error.value.fix


def test_a_folder_that_can_not_be_written_is_the_hosts_problem(
    server: Server, search: Search
) -> None:
    search.downloads.write_text("a file is in the way")
    with pytest.raises(HostError, match="could not keep the download"):
        get(server.address("/model.onnx"), search)
