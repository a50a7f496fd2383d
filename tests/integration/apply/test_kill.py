"""kill -9 at every point of an apply and of its recovery: before or after, nothing between.

A child process counts what it does to the file system (Python's audit events, writes and flushes)
and kills itself at the n-th; a write is cut in half first.
"""

import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tritongen.records.paths import MANIFEST, STATE
from tritongen.records.tree import Copy, Text, Tree
from tritongen.stages.apply import apply, diff, recover

EVENTS = {
    "fcntl.flock",
    "fcntl.ioctl",
    "open",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
}
MOST_POINTS = 2000


def die_at(point: int) -> None:
    """Make this process kill itself at its ``point``-th touch of the file system."""
    counted = count(1)
    write, fsync = os.write, os.fsync

    def touch() -> None:
        if next(counted) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def half_write(descriptor: int, content: bytes) -> int:
        if next(counted) == point:
            write(descriptor, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, content)

    def counted_fsync(descriptor: int) -> None:
        touch()
        fsync(descriptor)

    os.write, os.fsync = half_write, counted_fsync
    sys.addaudithook(lambda event, _: touch() if event in EVENTS else None)


def survives(action: Callable[[], object], point: int) -> bool:
    """Run ``action`` in a child that dies at ``point``; tell if it was done before that."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            die_at(point)
            action()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def deaths(action: Callable[[], object], prepare: Callable[[], None]) -> Iterator[int]:
    """Prepare, kill ``action`` at point 1, yield; again at point 2, 3, ... until it is done."""
    for point in range(1, MOST_POINTS):
        prepare()
        if survives(action, point):
            return
        yield point
    raise AssertionError("the action never ended")


def files(root: Path) -> dict[str, bytes | None]:
    return {
        name: path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if (name := path.relative_to(root).as_posix()) == MANIFEST or not name.startswith(STATE)
    }


class Case:
    """A folder that was built, and the tree that it becomes."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "out"
        self.saved = tmp_path / "saved"
        weights = {name: tmp_path / name for name in ("old", "new", "shared")}
        for name, path in weights.items():
            path.write_bytes(name.encode() * 1000)
        weights["shared"].chmod(0o444)
        old = Tree(
            {
                "stays": text("1"),
                "m/config.pbtxt": text("1"),
                "m/1/model.onnx": copy(weights["old"]),
                "left/over": text("1"),
                "file": text("1"),
                "folder/a/b": text("1"),
            }
        )
        self.tree = Tree(
            {
                "stays": text("1"),
                "m/config.pbtxt": text("2"),
                "m/1/model.onnx": copy(weights["new"]),
                "m/2/model.onnx": copy(weights["shared"]),
                "file/in/folder": text("2"),
                "folder": text("2"),
            }
        )
        apply(diff(old, self.root), self.root, old)
        (self.root / "notes").write_text("the user's")
        self.before = files(self.root)
        shutil.copytree(self.root, self.saved)
        self.apply()
        self.after = files(self.root)
        self.reset()

    def reset(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self.saved, self.root)

    def apply(self) -> None:
        apply(diff(self.tree, self.root), self.root, self.tree)

    def assert_whole(self) -> None:
        """No file is ever anything but what it was or what it becomes; the manifest comes last."""
        found = files(self.root)
        for path, content in found.items():
            assert content in (self.before.get(path), self.after.get(path)), path
        if found.get(MANIFEST) == self.after[MANIFEST]:
            assert found == self.after

    def assert_settled(self, outcome: str) -> None:
        expected = {"forward": [self.after], "back": [self.before]}
        assert files(self.root) in expected.get(outcome, [self.before, self.after])
        assert recover(self.root) == "clean"


def text(content: str) -> Text:
    return Text(text=content * 1000, owner="models.m")


def copy(path: Path) -> Copy:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Copy(source=str(path), sha256=digest, size_bytes=len(content), owner="models.m")


@pytest.fixture
def case() -> Iterator[Case]:
    # In memory where there is such a file system: a killed process loses no more there, and
    # thousands of flushes cost nothing.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Case(Path(folder))


def test_killed_at_any_moment_it_is_before_or_after(case):
    outcomes = set()
    for _ in deaths(case.apply, case.reset):
        case.assert_whole()
        outcome = recover(case.root)
        outcomes.add(outcome)
        case.assert_settled(outcome)
        case.apply()
        assert files(case.root) == case.after
    assert outcomes == {"clean", "forward"}


def test_killed_again_while_recovering_it_is_still_before_or_after(case):
    points = 0
    for point in deaths(case.apply, case.reset):
        points = point
    interesting = range(1, points + 1, 7)
    for first in interesting:

        def prepare(first: int = first) -> None:
            case.reset()
            assert not survives(case.apply, first)

        for _ in deaths(lambda: recover(case.root), prepare):
            case.assert_whole()
            case.assert_settled(recover(case.root))


def fail_late(case: Case) -> None:
    """Apply, with the disk full once everything but the manifest is in place."""
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target == case.root / MANIFEST:
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    Path.replace = full  # type: ignore[method-assign]  # in a child process that ends with this
    try:
        case.apply()
    except Exception:
        return
    raise AssertionError("the apply did not fail")


def test_killed_while_undoing_it_is_before(case):
    for _ in deaths(lambda: fail_late(case), case.reset):
        case.assert_whole()
        case.assert_settled(recover(case.root))
    assert files(case.root) == case.before


def test_a_first_build_that_is_killed_leaves_nothing_or_everything(case):
    def prepare() -> None:
        shutil.rmtree(case.root)
        case.root.mkdir()
        (case.root / "notes").write_text("the user's")

    case.before = {"notes": b"the user's"}
    for _ in deaths(case.apply, prepare):
        case.assert_whole()
        case.assert_settled(recover(case.root))
