"""The server of a folder: where its files lie, and its record there."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from zlib import crc32

from tritongen.errors import EngineError, HostError
from tritongen.records.endpoint import Endpoint

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108, the kernel's folder of shared memory


@dataclass(frozen=True)
class RunFolder:
    """``<root>/.tritongen/run``: at most one server runs for a root."""

    path: Path

    @property
    def record(self) -> Path:
        """The running server's ``Endpoint`` as JSON."""
        return self.path / "endpoint.json"

    @property
    def log(self) -> Path:
        """What the last server wrote to its outputs."""
        return self.path / "server.log"

    @property
    def shm_prefix(self) -> str:
        """What the names of the server's shared memory start with; the same for every start."""
        return f"tritongen_{crc32(os.fsencode(self.path.absolute())):08x}_"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder while a server is started in it; ``EngineError`` if another does."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / ".gitignore").write_text("*\n", "utf-8")
        except OSError as error:
            raise HostError(f"can't write to {self.path}", why=error.strerror or "") from error
        with (self.path / "lock").open("w") as lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                raise EngineError(
                    f"another `tritongen up` is starting a server in {self.path.parent.parent}",
                    fix="wait for it, or stop it",
                ) from error
            yield

    def clear(self) -> None:
        """Remove what a server that is gone has left, except its log."""
        self.record.unlink(missing_ok=True)
        for folder in ("backends", "python"):
            shutil.rmtree(self.path / folder, ignore_errors=True)
        if SHARED_MEMORY.is_dir():
            for leftover in SHARED_MEMORY.glob(f"{self.shm_prefix}*"):
                leftover.unlink(missing_ok=True)

    def write(self, endpoint: Endpoint) -> None:
        """Record the running server, readable only when whole."""
        staged = self.record.with_suffix(".new")
        staged.write_text(json.dumps(asdict(endpoint), indent=2) + "\n", "utf-8")
        staged.replace(self.record)

    def read(self) -> Endpoint | None:
        """Return the recorded server, running or not; ``None`` without a readable record."""
        try:
            return Endpoint(**json.loads(self.record.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None


def run_folder(root: Path) -> RunFolder:
    """Return the run folder of an output root."""
    return RunFolder(root.absolute() / ".tritongen" / "run")
