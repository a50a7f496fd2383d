"""Remembers a finished build by the files it came from and led to, so that it is not done again.

Reading a spec and its models takes longer than starting a server. A stamp holds, of every file that
was read or written and of every folder that one was looked up in, what ``stat`` says of it, and
the environment variables that the spec asked for. While all of that is the same, so is the result.
"""

import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tritongen import __version__
from tritongen.records.paths import JOURNAL, MANIFEST, ROLLBACK, STAMP, STATE

Signature = list[int] | None
"""Size, modification and change time, inode of a file or folder; ``None`` if nothing is there.

Of a link, the same four of the link itself and then of what it leads to, if that is there.
"""

UNFINISHED = (JOURNAL, ROLLBACK)
"""While one of these is there, an apply has to be finished first."""

SETTLED_S = 0.05
"""A file changed less than this before we began may have changed again in the same clock tick."""


class Asked(Mapping[str, str]):
    """An environment that notes which variables were asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


class Reading:
    """The files and folders that this process opened or listed while ``noting``."""

    def __init__(self) -> None:
        self.began = time.time()
        self.paths: set[str] = set()
        self._on = False
        # A hook can't be taken off again, so it is one for the process and mostly off.
        sys.addaudithook(self._hear)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is opened and listed inside."""
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._on and event in ("open", "os.listdir", "os.scandir"):
            path = arguments[0]
            if isinstance(path, (str, os.PathLike)) and not str(path).endswith((".pyc", ".so")):
                self.paths.add(absolute(path))


def absolute(path: str | os.PathLike[str]) -> str:
    """Return a path that does not depend on the current folder; links stay links."""
    return os.path.abspath(path)  # noqa: PTH100, Path.resolve follows links


def remember(
    root: Path, key: Mapping[str, Any], reading: Reading, asked: Asked, result: Mapping[str, Any]
) -> None:
    """Write the stamp of a build that ended well; nothing if a file changed while it was read.

    ``key`` is what was asked for, ``result`` what ``recall`` is to give back, both JSON-able.
    """
    state = absolute(root / STATE)
    inputs = {path for path in reading.paths if not path.startswith(state)}
    inputs |= {path.rpartition("/")[0] or "/" for path in inputs}
    signatures = _signatures(inputs)
    outputs = _signatures(_outputs(root))
    if _young(signatures, outputs, root, (reading.began - SETTLED_S) * 1e9):
        return
    stamp = {
        "key": _key(key),
        "environment": {name: asked.get(name) for name in sorted(asked.names)},
        "inputs": signatures | {absolute(root / name): None for name in UNFINISHED},
        "outputs": outputs,
        "result": result,
    }
    path = root / STAMP
    with suppress(OSError):  # a folder that can't be written to only makes us slower
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(stamp), "utf-8")
        draft.replace(path)


def _young(
    inputs: Mapping[str, Signature], outputs: Mapping[str, Signature], root: Path, latest_ns: float
) -> bool:
    """Tell whether an input changed while it was read, other than by what the build itself did.

    A build makes entries in its folder and may make that folder; weights that it placed as hard
    links were hashed then.
    """
    folder = absolute(root)
    made = {folder, folder.rpartition("/")[0]}
    linked = {inode for seen in outputs.values() for inode in (seen or [])[3::4]}
    return any(
        max(seen[1::4] + seen[2::4]) > latest_ns
        for path, seen in inputs.items()
        if seen is not None and path not in made and not linked.intersection(seen[3::4])
    )


def recall(root: Path, key: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    """Return the result of the last build if all that it came from and led to is unchanged."""
    try:
        stamp = json.loads((root / STAMP).read_bytes())
        same = (
            stamp["key"] == _key(key)
            and all(environment.get(n) == value for n, value in stamp["environment"].items())
            and _are(stamp["inputs"])
            and _are(stamp["outputs"])
        )
        return stamp["result"] if same else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _key(key: Mapping[str, Any]) -> Any:
    """Return what was asked for and which program was asked, as JSON has it."""
    program = [__version__, sys.version, sys.path, _newest(Path(__file__).parents[1])]
    return json.loads(json.dumps({**key, "program": program}))


def _newest(folder: Path) -> int:
    """Return when a file of the package, or a list of its files, was last changed, in ns."""
    with os.scandir(folder) as entries:
        times = (
            _newest(Path(entry)) if entry.is_dir() else entry.stat().st_mtime_ns
            for entry in entries
            if entry.name != "__pycache__"
        )
        return max(times, default=0)  # a package that was removed may leave its cache


def _outputs(root: Path) -> Iterator[str]:
    manifest = root / MANIFEST
    yield absolute(manifest)
    for path in json.loads(manifest.read_bytes())["files"]:
        yield absolute(root / path)


def _signatures(paths: Iterable[str]) -> dict[str, Signature]:
    return {path: _signature(path) for path in sorted(paths)}


def _signature(path: str) -> Signature:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    seen = _four(status)
    if stat.S_ISLNK(status.st_mode):
        with suppress(OSError):
            seen += _four(os.stat(path))  # noqa: PTH116, this is done thousands of times
    return seen


def _four(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _are(signatures: Mapping[str, Signature]) -> bool:
    return all(_signature(path) == signature for path, signature in signatures.items())
