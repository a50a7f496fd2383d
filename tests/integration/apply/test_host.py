"""What the machine can refuse, on real file systems and with real processes."""

import contextlib
import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tritongen.errors import ConflictError, HostError
from tritongen.records.paths import LOCK, MANIFEST, STATE
from tritongen.records.tree import Copy, Text, Tree
from tritongen.stages.apply import apply, diff, recover

AS_ROOT = os.geteuid() == 0
needs_mounts = pytest.mark.skipif(not AS_ROOT, reason="mounting a small disk needs root")


def tree(**texts: str) -> Tree:
    entries = {name.replace("__", "/"): text for name, text in texts.items()}
    return Tree({path: Text(text=text, owner="models.m") for path, text in entries.items()})


def build(root: Path, wanted: Tree) -> bool:
    return apply(diff(wanted, root), root, wanted)


def files(root: Path) -> dict[str, str | None]:
    return {
        name: path.read_text() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if (name := path.relative_to(root).as_posix()) == MANIFEST or not name.startswith(STATE)
    }


@needs_mounts
def test_a_full_disk_changes_nothing_and_says_what_is_missing(mount, tmp_path):
    root = mount(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    build(root, tree(a="1"))
    before = files(root)
    with pytest.raises(
        HostError, match=r"disk full: needs 3\.0 MB, [01]\.\d MB free at"
    ) as refusal:
        build(root, tree(a="2" * 1_000_000, b="2" * 2_000_000))
    assert refusal.value.exit_code == 9
    assert files(root) == before
    assert build(root, tree(a="2"))


@needs_mounts
def test_a_disk_that_fills_up_while_renaming_is_rolled_back(mount, tmp_path):
    """Folders need inodes of their own, so they can fail when all files are staged already."""
    entries = {f"m{number}__config": "2" for number in range(20)}
    root = mount(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m,nr_inodes=50", "tmpfs")
    build(root, tree(a="1", b="1"))
    before = files(root)
    with pytest.raises(HostError, match="disk full"):
        build(root, tree(a="2", **entries))
    assert files(root) == before
    assert recover(root) == "clean"


@needs_mounts
def test_a_read_only_file_system_can_be_compared_but_not_written(mount, tmp_path):
    root = tmp_path / "root"
    build(root, tree(a="1"))
    mount(root, "--bind", str(root))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(root)], check=True)
    assert not build(root, tree(a="1"))
    with pytest.raises(HostError, match="read-only file system"):
        build(root, tree(a="2"))


@needs_mounts
def test_a_folder_on_another_file_system_is_refused_and_nothing_changes(mount, tmp_path):
    root = tmp_path / "root"
    build(root, tree(a="1", m__config="1"))
    (root / "m/config").unlink()
    mount(root / "m", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    before = files(root)
    with pytest.raises(HostError, match="on another file system"):
        build(root, tree(a="2", m__config="2"))
    assert files(root) == before


def test_a_file_size_limit_changes_nothing(tmp_path):
    root = tmp_path / "root"
    build(root, tree(a="1"))
    before = files(root)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(HostError, match="larger than this process may write"):
            build(root, tree(a="2", b="2" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(root) == before


def as_a_user(action: str, *arguments: str) -> str:
    """Run a line of Python as somebody who is not root, and return what it printed."""
    code = (
        "import os, sys; from pathlib import Path; root = Path(sys.argv[1])\n"
        "import tritongen.stages.apply.write, tritongen.stages.apply.place\n"
        "from tritongen.stages.apply import apply, diff, recover\n"
        "from tritongen.records.tree import Text, Tree\n"
        "from tritongen.errors import HostError\n"
        "os.geteuid() == 0 and os.setuid(65534)\n"
        f"try:\n    {action}\nexcept HostError as error:\n    print(error.message)\n"
    )
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that somebody else can reach."""
    for folder in [tmp_path, *tmp_path.parents][:4]:  # one more where pytest runs in processes
        folder.chmod(folder.stat().st_mode | 0o755)
    return tmp_path


TREE = "tree = Tree({'a': Text(text='2', owner='m'), 'm/b': Text(text='2', owner='m')})"


def test_a_folder_without_permission_is_refused(open_path):
    root = open_path / "root"
    root.mkdir(mode=0o555)
    told = as_a_user(f"{TREE}; apply(diff(tree, root), root, tree)", str(root))
    assert told.startswith(f"no permission for {root}")


def test_a_folder_inside_without_permission_is_rolled_back(open_path):
    root = open_path / "root"
    build(root, tree(a="1"))
    for path in (root, *root.rglob("*")):
        path.chmod(0o777)
    (root / "m").mkdir(mode=0o555)
    before = files(root)
    told = as_a_user(f"{TREE}; apply(diff(tree, root), root, tree)", str(root))
    assert told.startswith("no permission for ")
    assert "m/b" in told
    assert files(root) == before


def test_a_file_that_may_not_be_read_is_refused(open_path):
    root = open_path / "root"
    build(root, tree(a="1"))
    (root / "a").chmod(0)
    told = as_a_user(f"{TREE}; diff(tree, root)", str(root))
    if AS_ROOT:
        assert told == f"no permission for {root / 'a'}"


def test_a_lock_outlives_its_process_but_does_not_bind(tmp_path):
    root = tmp_path / "root"
    build(root, tree(a="1"))
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tritongen.stages.apply.lock import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HostError, match=rf"another tritongen .*process {holder.pid}"):
            build(root, tree(a="2"))
        holder.send_signal(signal.SIGKILL)
    assert (root / LOCK).read_text() == f"{holder.pid}\n"
    assert build(root, tree(a="2"))


def test_two_builds_at_once_end_as_one_of_them(tmp_path):
    root = tmp_path / "root"
    wanted = [tree(**{f"m{n}__config": text for n in range(100)}) for text in ("1", "2")]
    for _ in range(5):
        ready, go = os.pipe()
        children = [child_build(root, each, ready) for each in wanted]
        os.write(go, b"go")
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        os.close(ready)
        os.close(go)
        assert set(codes) <= {0, 4}
        assert 0 in codes
        assert recover(root) == "clean"
        texts = {text for path, text in files(root).items() if text and path != MANIFEST}
        assert texts in ({"1"}, {"2"})
        assert [build(root, each) for each in wanted].count(False) <= 1


def child_build(root: Path, wanted: Tree, ready: int) -> int:
    """Start a process that builds when it may, and again while another one is at work."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.read(ready, 1)
        for _ in range(2000):
            with contextlib.suppress(HostError):
                recover(root)
                build(root, wanted)
                code = 0
                break
            time.sleep(0.005)
    except ConflictError as error:
        code = error.exit_code
    finally:
        os._exit(code)


def test_weights_are_copied_or_cloned_byte_for_byte(tmp_path):
    source = tmp_path / "model.onnx"
    content = os.urandom(5_000_001)
    source.write_bytes(content)
    entry = Copy(
        source=str(source),
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        owner="models.m",
    )
    build(tmp_path / "root", Tree({"m/1/model.onnx": entry}))
    assert (tmp_path / "root/m/1/model.onnx").read_bytes() == content
