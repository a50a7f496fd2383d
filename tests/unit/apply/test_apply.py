import os
import threading
from pathlib import Path

import pytest

from tritongen.errors import ConflictError, HostError, SpecError
from tritongen.records.paths import (
    CACHE,
    JOURNAL,
    LOCK,
    MANIFEST,
    PLACED,
    ROLLBACK,
    STAGING,
    STATE,
)
from tritongen.records.tree import Copy
from tritongen.stages.apply import apply, recover, write
from tritongen.stages.apply.lock import locked


def stamps(root: Path) -> dict[str, tuple[int, int]]:
    return {
        path.relative_to(root).as_posix(): (path.lstat().st_mtime_ns, path.lstat().st_ino)
        for path in [root, *root.rglob("*")]
    }


def test_files_are_written_as_they_are(folder):
    assert folder.build({"a/b/c": "grüße\r\nno line end", "w": folder.copy("w", b"\0\xff")})
    assert (folder.root / "a/b/c").read_bytes() == "grüße\r\nno line end".encode()
    assert (folder.root / "w").read_bytes() == b"\0\xff"


def test_nothing_but_the_files_and_our_own_folder_is_left(folder):
    folder.build({"a": "1", "w": folder.copy("w", b"x")})
    left = {path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*")}
    assert left == {"a", "w", STATE, MANIFEST, LOCK, CACHE, PLACED}


def test_a_second_build_writes_nothing_and_says_so(folder):
    entries = {"a/b": "1", "w": folder.copy("w", b"x")}
    folder.build(entries)
    before = stamps(folder.root)
    assert folder.build(entries) is False
    assert stamps(folder.root) == before


def test_the_same_tree_gives_the_same_bytes_anywhere(folder, tmp_path):
    entries = {"b": "1", "a": "2", "w": folder.copy("w", b"x")}
    folder.build(entries)
    first = folder.files()
    folder.root.rename(tmp_path / "first")
    folder.build(dict(reversed(entries.items())))
    assert folder.files() == first
    assert str(tmp_path).encode() not in first[MANIFEST]


def test_what_left_the_spec_goes_with_the_folders_that_it_empties(folder):
    folder.build({"m/1/model.py": "1", "m/config.pbtxt": "1", "n/config.pbtxt": "1"})
    folder.write("m/notes.txt", "the user's")
    folder.build({})
    assert folder.files().keys() == {"m", "m/notes.txt", MANIFEST}


def test_a_folder_whose_files_all_change_stays_the_same_folder(folder):
    folder.build({"models/m/1/model.py": "1"})
    inodes = [(folder.root / path).stat().st_ino for path in ("models", "models/m")]
    folder.build({"models/m/2/model.py": "1"})
    assert [(folder.root / path).stat().st_ino for path in ("models", "models/m")] == inodes
    assert not (folder.root / "models/m/1").exists()
    folder.build({"models/m/2": "now a file"})
    assert [(folder.root / path).stat().st_ino for path in ("models", "models/m")] == inodes


def test_files_and_folders_change_places(folder):
    folder.build({"a": "1", "b/c/d": "1", "b/e": "1"})
    folder.build({"a/x/y": "2", "b": "2"})
    assert folder.files() == {
        "a": None,
        "a/x": None,
        "a/x/y": b"2",
        "b": b"2",
        MANIFEST: folder.files()[MANIFEST],
    }


def test_all_conflicts_are_named_and_nothing_is_touched(folder):
    folder.build({"a": "1", "b": "1", "c": "1"})
    folder.write("a", "mine")
    folder.write("d", "mine")
    before = folder.files()
    with pytest.raises(ConflictError) as refusal:
        folder.build({"a": "2", "b": "2", "d": "2"})
    assert "a: edited by hand" in refusal.value.message
    assert "d: a file that tritongen did not write" in refusal.value.message
    assert refusal.value.exit_code == 4
    assert folder.files() == before


def test_force_gives_up_edits_in_our_files(folder):
    folder.build({"a": "1", "b": "1"})
    folder.write("a", "mine")
    folder.write("b", "mine")
    folder.build({"a": "2"}, force=True)
    assert folder.files() == {"a": b"2", MANIFEST: folder.files()[MANIFEST]}


def test_a_file_that_appears_or_changes_after_it_was_compared_is_not_lost(folder):
    folder.build({"a": "1", "b": "1"})
    tree = folder.tree({"a": "2", "c": "2"})
    changes = folder.diff({"a": "2", "c": "2"})
    folder.write("a", "mine")
    folder.write("b", "mine")
    folder.write("c", "mine")
    before = folder.files()
    with pytest.raises(ConflictError, match=r"changed while .*: a, c, b"):
        apply(changes, folder.root, tree)
    assert folder.files() == before


def test_what_another_build_wrote_meanwhile_stays_ours(folder):
    tree = folder.tree({"a": "1"})
    changes = folder.diff({"a": "1"})
    folder.build({"b": "1"})
    apply(changes, folder.root, tree)
    assert folder.actions({"a": "1"}) == {"a": "keep", "b": "delete"}


def test_a_source_that_changed_since_it_was_inspected_is_refused(folder):
    entry = folder.copy("w", b"inspected")
    Path(entry.source).write_bytes(b"different")
    with pytest.raises(HostError, match="not the file that was inspected"):
        folder.build({"a": "1", "w": entry})
    assert folder.files() == {}
    assert not (folder.root / STAGING).exists()


def test_a_source_that_is_gone_is_refused(folder):
    entry = folder.copy("w", b"inspected")
    Path(entry.source).unlink()
    with pytest.raises(HostError, match="cannot read"):
        folder.build({"w": entry})


def test_a_source_that_can_be_written_to_shares_nothing_with_what_is_placed(folder):
    entry = folder.copy("w", b"weights")
    folder.build({"w": entry})
    Path(entry.source).write_bytes(b"retrain")
    assert (folder.root / "w").read_bytes() == b"weights"


def test_a_read_only_source_is_placed_without_a_copy(folder):
    entry = folder.copy("w", b"weights")
    Path(entry.source).chmod(0o444)
    (folder.sources / "link").symlink_to(entry.source)
    linked = Copy(
        source=str(folder.sources / "link"), sha256=entry.sha256, size_bytes=7, owner="models.m"
    )
    folder.build({"w": linked})
    assert (folder.root / "w").lstat().st_ino == Path(entry.source).stat().st_ino
    folder.build({})
    assert Path(entry.source).read_bytes() == b"weights"


def test_a_read_only_source_that_others_may_not_read_is_copied(folder):
    entry = folder.copy("w", b"weights")
    Path(entry.source).chmod(0o400)
    folder.build({"w": entry})
    assert (folder.root / "w").lstat().st_ino != Path(entry.source).stat().st_ino


def test_an_update_works_where_there_are_no_hard_links(folder, monkeypatch):
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    folder.build({"a": "1"})
    folder.build({"a": "2"})
    assert (folder.root / "a").read_text() == "2"


def test_names_that_are_one_on_this_file_system_are_refused(folder, monkeypatch):
    folder.root.mkdir()
    (folder.root / STATE.upper()).mkdir()  # as every folder on macOS seems to have
    with pytest.raises(HostError, match="models/M and models/m are the same file"):
        folder.build({"models/m/a": "1", "models/M/b": "1"})


def test_a_failure_half_way_undoes_what_was_done(folder, monkeypatch):
    folder.build({"a": "1", "b": "1", "c/d": "1"})
    before = folder.files()
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target == folder.root / "e/f":
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(HostError, match=r"disk full: needs .* [kM]B, .* [kM]B free at"):
        folder.build({"a": "2", "b/x": "2", "e/f": "2", "g": "2"})
    assert folder.files() == before
    assert recover(folder.root) == "clean"


def test_ctrl_c_half_way_undoes_what_was_done(folder, monkeypatch):
    folder.build({"a": "1"})
    before = folder.files()
    replace = Path.replace

    def interrupt(self: Path, target: Path) -> Path:
        replace(self, target)
        if target == folder.root / "a":
            monkeypatch.undo()
            raise KeyboardInterrupt
        return target

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        folder.build({"a": "2", "b": "2"})
    assert folder.files() == before
    assert recover(folder.root) == "clean"


def test_if_undoing_fails_too_the_next_command_tries_again(folder, monkeypatch):
    folder.build({"a": "1"})
    before = folder.files()

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(write, "touched_folders", fail)
    with pytest.raises(HostError, match="undoing it failed too"):
        folder.build({"a": "2", "b": "2"})
    monkeypatch.undo()
    assert recover(folder.root) == "back"
    assert folder.files() == before


def interrupted(folder, monkeypatch, entries):
    """Leave an apply as a crash leaves it once its journal is written."""

    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(write, "forward", crash)
        patch.setattr(write, "_finish", lambda root: "clean")
        patch.setattr(Path, "rename", lambda self, target: target)
        with pytest.raises(SystemExit):
            folder.build(entries)


def test_an_interrupted_apply_is_finished(folder, monkeypatch):
    folder.build({"a": "1", "c": "1"})
    interrupted(folder, monkeypatch, {"a": "2", "b": "2"})
    assert recover(folder.root) == "forward"
    assert folder.actions({"a": "2", "b": "2"}) == {"a": "keep", "b": "keep"}
    assert not (folder.root / "c").exists()
    assert recover(folder.root) == "clean"


def test_an_apply_first_finishes_the_one_before_it(folder, monkeypatch):
    folder.build({"a": "1"})
    interrupted(folder, monkeypatch, {"a": "2"})
    with pytest.raises(ConflictError, match="changed while tritongen was building: a"):
        folder.build({"a": "3"})
    assert (folder.root / "a").read_text() == "2"
    assert folder.build({"a": "3"})


def test_finishing_keeps_what_was_edited_since_the_interruption(folder, monkeypatch):
    folder.build({"a": "1", "c": "1"})
    interrupted(folder, monkeypatch, {"a": "2", "b": "2"})
    for path in "abc":
        folder.write(path, "mine")
    assert recover(folder.root) == "forward"
    assert {path: (folder.root / path).read_text() for path in "abc"} == dict.fromkeys(
        "abc", "mine"
    )
    assert folder.actions({"a": "2", "b": "2"}) == {"a": "conflict", "b": "conflict"}


def test_finishing_follows_no_link_that_appeared_since(folder, monkeypatch, tmp_path):
    folder.build({"a/b": "1"})
    interrupted(folder, monkeypatch, {"a/b": "2", "a/c": "2"})
    (folder.root / "a").rename(tmp_path / "elsewhere")
    (folder.root / "a").symlink_to(tmp_path / "elsewhere")
    recover(folder.root)
    assert [path.read_text() for path in (tmp_path / "elsewhere").iterdir()] == ["1"]


@pytest.mark.parametrize("name", [STAGING, f"{STAGING}/new", f"{STAGING}/old"])
def test_a_staging_folder_that_is_a_link_leads_nowhere(folder, monkeypatch, tmp_path, name):
    folder.build({"a": "1"})
    interrupted(folder, monkeypatch, {"b": "2"})
    (folder.root / name).rename(tmp_path / "elsewhere")
    (folder.root / name).symlink_to(tmp_path / "elsewhere")
    elsewhere = sorted((tmp_path / "elsewhere").rglob("*"))
    recover(folder.root)
    assert sorted((tmp_path / "elsewhere").rglob("*")) == elsewhere


@pytest.mark.parametrize(
    "journal",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"steps": 1, "made": [], "emptied": []}',
        '{"steps": [{"path": "../a", "before": null, "after": null}], "made": [], "emptied": []}',
        '{"steps": [{"path": 1, "before": null, "after": null}], "made": [], "emptied": []}',
        '{"steps": [{"path": "a", "before": {}, "after": null}], "made": [], "emptied": []}',
        '{"steps": [{"path": "a", "before": [], "after": null}], "made": [], "emptied": []}',
        '{"steps": [], "made": ["/etc"], "emptied": []}',
        '{"steps": [], "made": [], "emptied": [".tritongen/staging"]}',
    ],
)
@pytest.mark.parametrize("name", [JOURNAL, ROLLBACK])
def test_a_journal_that_cannot_be_trusted_is_refused(folder, name, journal):
    folder.write(name, journal)
    with pytest.raises(SpecError, match="cannot be used"):
        recover(folder.root)


def test_recovering_where_nothing_happened_writes_nothing(folder):
    assert recover(folder.root) == "clean"
    assert not folder.root.exists()


def test_a_folder_that_is_being_written_to_is_left_alone(folder):
    folder.build({"a": "1"})
    with locked(folder.root):
        (folder.root / STAGING).mkdir()
        for action in (lambda: recover(folder.root), lambda: folder.build({"a": "2"})):
            with pytest.raises(HostError, match=rf"another tritongen .*process {os.getpid()}"):
                action()
    assert recover(folder.root) == "clean"
    assert not (folder.root / STAGING).exists()
    assert folder.build({"a": "2"})


def test_a_root_that_is_a_file_is_refused(folder):
    changes = folder.diff({"a": "1"})
    folder.root.write_text("")
    with pytest.raises(HostError, match="is a file"):
        apply(changes, folder.root, folder.tree({"a": "1"}))


def test_a_path_too_long_is_refused_and_nothing_is_written(folder):
    deep = "/".join(["d" * 250] * 17)
    with pytest.raises(HostError, match="too long"):
        folder.build({"a": "1", f"{deep}/a": "1"})
    assert folder.files() == {}


def test_a_name_too_long_in_a_new_folder_is_refused_and_the_next_build_works(folder):
    with pytest.raises(HostError, match="too long"):
        folder.build({"a": "1", f"new/{'d' * 300}/a": "1"})
    assert folder.files() == {}
    assert folder.build({"a": "1"})


def test_many_files_flush_at_once(folder):
    threads = threading.active_count()
    folder.build({f"m{number}/config.pbtxt": "1" for number in range(100)})
    assert len(folder.files()) == 201
    assert threading.active_count() == threads
