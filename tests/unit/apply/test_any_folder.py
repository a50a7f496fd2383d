"""Random trees, random edits of a person in between: what must hold whatever the folder is."""

import shutil
import tempfile
from pathlib import Path, PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from tritongen.errors import ConflictError
from tritongen.records.paths import MANIFEST, STATE
from tritongen.records.tree import Text, Tree
from tritongen.stages.apply import apply, diff, drift

MEMORY = Path("/dev/shm")  # flushing costs nothing there
PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
EDITS = st.lists(
    st.tuples(st.sampled_from(["write", "remove", "mkdir", "link", "clear"]), PATHS), max_size=4
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    entries: dict[str, Text] = {}
    for path in draw(st.lists(PATHS, unique=True, max_size=5)):
        lineage = {path, *map(str, PurePosixPath(path).parents)}
        if not any(other in lineage or other.startswith(f"{path}/") for other in entries):
            entries[path] = Text(text=draw(st.sampled_from(["1", "2"])), owner="models.m")
    return Tree(entries)


def edit(root: Path, kind: str, path: str) -> None:
    """Do to ``path`` what a person does, where it can be done."""
    target = root / path
    try:
        if kind == "remove":
            target.unlink()
        elif kind == "clear":
            shutil.rmtree(target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            if kind == "write":
                target.write_text("mine")
            elif kind == "mkdir":
                target.mkdir()
            else:
                target.symlink_to("nowhere")
    except OSError:
        pass


def files(root: Path) -> dict[str, str]:
    """Regular files and links by path, without our own state but with the manifest."""
    return {
        name: f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in root.rglob("*")
        if (name := path.relative_to(root).as_posix()) == MANIFEST or not name.startswith(STATE)
        if path.is_symlink() or path.is_file()
    }


@settings(max_examples=150, deadline=None)
@given(first=trees(), edits=EDITS, second=trees(), force=st.booleans())
def test_all_or_nothing_and_never_what_is_not_ours(first, edits, second, force):
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        root = Path(folder)
        apply(diff(first, root), root, first)
        for kind, path in edits:
            edit(root, kind, path)
        before = files(root)
        changes = diff(second, root, force=force)
        try:
            apply(changes, root, second)
        except ConflictError:
            assert any(change.action == "conflict" for change in changes)
            assert files(root) == before
            return
        after = files(root)
        ours = {path for path in first.entries if not before.get(path, "").startswith("-> ")}
        assert {path: after.get(path) for path in second.entries} == {
            path: entry.text for path, entry in second.entries.items()
        }
        for path in before.keys() - {MANIFEST} - second.entries.keys():
            edited = path not in ours or (not force and before[path] == "mine")
            assert (path in after) == edited
        for path, text in before.items():
            if text.startswith("-> ") or (text == "mine" and not (force and path in ours)):
                assert after[path] == text
        again = diff(second, root)
        assert {change.action for change in again} <= {"keep"}
        assert drift(again, root, second) == ()
        assert not apply(again, root, second)
