"""What is known about files, kept between runs, so that nothing is read twice."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tritongen
from tritongen.errors import HostError, SpecError
from tritongen.parts.backends import Format
from tritongen.records.facts import FileFacts, Inspection, TensorFacts

FORMAT = f"{tritongen.__version__}/3"
"""Facts of another version are read anew: it may have seen less in a file, or wrongly."""

SETTLED_NS = 50_000_000
"""A file changed this recently may change again within one tick of its file system's clock."""

CHUNK_BYTES = 1 << 20


class Cache:
    """Facts by absolute path; an entry counts as long as size, times and inode stay the same.

    Size, modification time and inode may all be those of another file: archives unpack with fixed
    times, and file systems give a freed inode to the next file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _load(path)
        self._changed = False
        self._seen: set[str] = set()

    def file(self, path: Path) -> FileFacts:
        """Return size and SHA-256 of a file; only a file that changed is read."""
        entry = self._entry(path)
        if "sha256" not in entry:
            entry["sha256"] = _hash(path)
            self._changed = True
        return FileFacts(source=str(path), sha256=entry["sha256"], size_bytes=entry["size"])

    def inspect(self, path: Path, form: Format, shown: str) -> Inspection:
        """Return what a model file says; only a file that changed is read."""
        entry = self._entry(path)
        reading = f"{form.inspect.__module__}.{form.inspect.__name__}"
        if reading not in entry:
            entry[reading] = asdict(form.inspect(path, shown))
            self._changed = True
        return _inspection(entry[reading])

    def save(self) -> None:
        """Write atomically what changed. A folder that can't be written only costs time later."""
        if not self._changed:
            return
        now = time.time_ns()
        kept = {
            path: entry
            for path, entry in self._entries.items()
            if now - entry["mtime_ns"] > SETTLED_NS and (path in self._seen or os.path.exists(path))  # noqa: PTH110 - many, and fast
        }
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps({"format": FORMAT, "files": kept}), "utf-8")
            new.replace(self._path)

    def _entry(self, path: Path) -> dict[str, Any]:
        key = str(path)
        entry = self._entries.get(key)
        if key in self._seen and entry is not None:
            return entry
        try:
            stat = path.stat()
        except OSError as error:
            raise SpecError.of("TG050", f"{path} can't be read: {error.strerror}") from error
        self._seen.add(key)
        now = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "inode": stat.st_ino}
        change = {"ctime_ns": stat.st_ctime_ns, "links": stat.st_nlink}
        if entry is None or not _is_same(entry, now, change):
            entry = self._entries[key] = dict(now)
        if any(entry.get(name) != value for name, value in change.items()):
            entry |= change
            self._changed = True
        return entry


def _is_same(entry: Mapping[str, Any], now: Mapping[str, int], change: Mapping[str, int]) -> bool:
    """Tell whether an entry is of this file; a hard link, such as our own, is no change of it."""
    linked = entry.get("links") != change["links"]
    same_change = linked or entry.get("ctime_ns") == change["ctime_ns"]
    return same_change and all(entry.get(name) == value for name, value in now.items())


def _load(path: Path) -> dict[str, dict[str, Any]]:
    """A cache that is missing or damaged is an empty one."""
    try:
        known = json.loads(path.read_bytes())
        files: dict[str, dict[str, Any]] = known["files"] if known["format"] == FORMAT else {}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    sound = isinstance(files, dict) and all(isinstance(entry, dict) for entry in files.values())
    return files if sound else {}


def _hash(path: Path) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(CHUNK_BYTES))
    try:
        with path.open("rb", buffering=0) as stream:
            before = os.fstat(stream.fileno())
            while count := stream.readinto(buffer):
                digest.update(buffer[:count])
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise SpecError.of("TG050", f"{path} can't be read: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise HostError(f"{path} changed while it was read", fix="try again when it is complete")
    return digest.hexdigest()


def _inspection(entry: Mapping[str, Any]) -> Inspection:
    return Inspection(
        inputs=_tensors(entry["inputs"]),
        outputs=_tensors(entry["outputs"]),
        arguments=None if entry["arguments"] is None else tuple(entry["arguments"]),
        ir_version=entry["ir_version"],
        opsets=entry["opsets"],
        data_files=entry["data_files"],
    )


def _tensors(rows: list[dict[str, Any]] | None) -> tuple[TensorFacts, ...] | None:
    if rows is None:
        return None
    return tuple(
        TensorFacts(
            name=row["name"],
            data_type=row["data_type"],
            shape=None if row["shape"] is None else tuple(row["shape"]),
            symbols=tuple(row["symbols"]),
            optional=row["optional"],
        )
        for row in rows
    )
