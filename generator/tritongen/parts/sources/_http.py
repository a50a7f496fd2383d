"""A file over HTTPS into an open stream, from where an earlier try stopped."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx

from tritongen.errors import HostError, SpecError
from tritongen.parts.sources._search import shown

TRIES = 3
CHUNK_BYTES = 1 << 20

Told = Callable[[int, int | None], None]


def receive(address: str, stream: BinaryIO, told: Told) -> None:
    """Append to ``stream`` what it lacks of the file at ``address``.

    Raises ``SpecError`` if there is no such file, ``HostError`` if it can't be had now.
    """
    with _client() as client:
        for left in reversed(range(TRIES)):
            try:
                _try(client, address, stream, told)
                return
            except httpx.InvalidURL as error:
                raise SpecError.of("TG051", f"{shown(address)} is not an address") from error
            except httpx.HTTPError as error:
                if not left:
                    raise _unreachable(address, error) from error


def _client() -> httpx.Client:
    return httpx.Client(
        follow_redirects=True,
        timeout=httpx.Timeout(30, connect=10),
        headers={"Accept-Encoding": "identity", "User-Agent": "tritongen"},
        event_hooks={"request": [_refuse_plain]},
    )


def _refuse_plain(request: httpx.Request) -> None:
    if request.url.scheme != "https":
        raise SpecError.of(
            "TG053",
            f"the download was redirected to {shown(str(request.url))}, without encryption",
            why="whoever sits between could replace the model",
            fix="download it yourself and give the path",
        )


def _try(client: httpx.Client, address: str, stream: BinaryIO, told: Told) -> None:
    """Go on where ``stream`` ends; start over unless the server says it is the same file."""
    tag = Path(f"{stream.name}.etag")
    have = stream.tell()
    headers = {}
    if have and tag.is_file():
        headers = {"Range": f"bytes={have}-", "If-Range": tag.read_text("ascii")}
    with client.stream("GET", address, headers=headers) as response:
        if response.status_code != 206:
            have = 0
            stream.truncate(0)
            tag.unlink(missing_ok=True)
        if headers and response.status_code == 416:  # what we have is longer than the file is now
            raise httpx.RemoteProtocolError("the file changed meanwhile")
        _require_success(response.status_code, address)
        _remember(response.headers.get("ETag", ""), tag)
        length = response.headers.get("Content-Length", "")
        size = have + int(length) if length.isdecimal() else None
        _require_room(size, have, tag.parent)
        for chunk in response.iter_raw(CHUNK_BYTES):
            stream.write(chunk)
            have += len(chunk)
            told(have, size)


def _remember(etag: str, tag: Path) -> None:
    """Only a strong tag promises the same bytes."""
    if etag.startswith('"') and etag.isascii():
        tag.write_text(etag, "ascii")
    else:
        tag.unlink(missing_ok=True)


def _require_success(status: int, address: str) -> None:
    if status in {200, 206}:
        return
    if status in {401, 403}:
        reason = f"{shown(address)} answers {status}: it wants a login or a token"
        raise SpecError.of("TG053", reason, fix="download it yourself and give the path")
    if status in {408, 425, 429} or status >= 500:
        message = f"{shown(address)} answers {status}"
        raise HostError(message, why="the server has a problem now", fix="try again later")
    reason = f"{shown(address)} answers {status}, which is not a file"
    raise SpecError.of("TG053", reason, fix="open the address in a browser and correct it")


def _require_room(size: int | None, have: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size is not None and size - have > free:
        raise HostError(
            f"the download needs {size - have:,} bytes, and {free:,} are free",
            fix=f"make room on the disk of {folder}",
        )


def _unreachable(address: str, error: Exception) -> HostError:
    return HostError(
        f"could not download {shown(address)}: {error}",
        why="its host can't be reached from here, or the connection broke",
        fix="check the network (HTTPS_PROXY and SSL_CERT_FILE are honoured), then run it again: "
        "it goes on where it stopped",
    )
