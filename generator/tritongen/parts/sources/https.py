"""``https://``: downloaded once, resumed after an interruption, kept below ``.tritongen/cache``."""

import fcntl
import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from tritongen.errors import HostError, SpecError
from tritongen.parts.sources._search import Search, shown
from tritongen.records.spec import Source

CHUNK_BYTES = 1 << 20


def locate(source: Source, search: Search) -> Path:
    """Return the downloaded file; what was downloaded before is not asked for again.

    A file whose ``sha256`` is not the one that the spec says is not kept.
    """
    address = source.path
    key = hashlib.sha256(f"{address}\n{source.sha256 or ''}".encode()).hexdigest()[:16]
    target = search.downloads / key / _name(address)
    if target.is_file():
        return target
    if not search.fetch:
        raise SpecError.of(
            "TG053",
            f"{shown(address)} has not been downloaded yet",
            fix="run `tritongen build` once with a network",
        )
    try:
        _download(address, target, search)
        _verify(target, source)
    except OSError as error:
        message = f"could not keep the download of {shown(address)}: {error.strerror or error}"
        raise HostError(message, fix=f"make room for it in {search.downloads}") from error
    return target


def _name(address: str) -> str:
    try:
        name = PurePosixPath(unquote(urlsplit(address).path)).name
    except ValueError as error:
        message = f"{shown(address)} is not an address: {error}"
        raise SpecError.of("TG051", message) from error
    return re.sub(r"[^\w.+-]", "_", name)[-100:].lstrip(".") or "download"


def _download(address: str, target: Path, search: Search) -> None:
    from tritongen.parts.sources import _http  # loads httpx, which most builds need not

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with part.open("ab") as stream:
        _lock(stream, address)
        _http.receive(address, stream, lambda have, size: search.progress(target.name, have, size))
        stream.flush()
        os.fsync(stream.fileno())
        part.replace(target)


def _lock(stream: BinaryIO, address: str) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"another tritongen is downloading {shown(address)} right now"
        raise HostError(message, fix="wait for it to finish, then try again") from error


def _verify(target: Path, source: Source) -> None:
    if source.sha256 is None:
        return
    digest = hashlib.sha256()
    with target.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != source.sha256:
        target.unlink()
        raise SpecError.of(
            "TG054",
            f"{shown(source.path)} has sha256 {digest.hexdigest()}, "
            f"but the spec says {source.sha256}",
            why="this is not the file that the spec was written for",
            fix="find out what changed there; if it may, correct sha256",
        )
