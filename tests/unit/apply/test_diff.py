import json
import os
from pathlib import Path

import pytest

from tritongen.errors import HostError, SpecError
from tritongen.records.paths import MANIFEST, PLACED, STATE
from tritongen.records.tree import Seen
from tritongen.stages.apply import disk


def test_a_file_that_is_not_there_is_created(folder):
    (change,) = folder.diff({"models/m/config.pbtxt": "a"})
    assert (change.path, change.action, change.after) == ("models/m/config.pbtxt", "create", "a")


def test_what_was_written_and_stays_is_kept(folder):
    entries = {"a": "1", "w": folder.copy("w", b"weights")}
    folder.build(entries)
    assert folder.actions(entries) == {"a": "keep", "w": "keep"}


def test_an_unedited_file_with_new_content_is_updated(folder):
    entries = {"a": "1", "w": folder.copy("w", b"weights")}
    folder.build(entries)
    entries = {"a": "2", "w": folder.copy("w", b"other weights")}
    assert folder.actions(entries) == {"a": "update", "w": "update"}
    assert [(change.before, change.after) for change in folder.diff(entries)] == [
        ("1", "2"),
        (None, None),
    ]


def test_a_file_edited_by_hand_is_a_conflict_unless_forced(folder):
    folder.build({"a": "1"})
    folder.write("a", "mine")
    (change,) = folder.diff({"a": "1"})
    assert change.action == "conflict"
    assert "edited by hand" in change.reason
    assert (change.before, change.after) == ("mine", "1")
    assert folder.actions({"a": "1"}, force=True) == {"a": "update"}


def test_a_file_edited_into_what_the_spec_now_gives_is_kept(folder):
    folder.build({"a": "1"})
    folder.write("a", "2")
    assert folder.actions({"a": "2"}) == {"a": "keep"}


def test_a_file_that_is_not_ours_is_adopted_if_it_is_the_same(folder):
    folder.write("a", "1")
    (change,) = folder.diff({"a": "1"})
    assert change.action == "keep"
    assert change.reason
    assert folder.build({"a": "1"})
    assert folder.actions({}) == {"a": "delete"}


@pytest.mark.parametrize("force", [False, True])
def test_another_file_that_is_not_ours_is_a_conflict_even_when_forced(folder, force):
    folder.write("a", "the user's")
    assert folder.actions({"a": "1"}, force=force) == {"a": "conflict"}


def test_an_unedited_file_that_left_the_spec_is_deleted(folder):
    folder.build({"a": "1", "w": folder.copy("w", b"x")})
    assert folder.actions({}) == {"a": "delete", "w": "delete"}


def test_an_edited_file_that_left_the_spec_is_a_conflict_unless_forced(folder):
    folder.build({"a": "1"})
    folder.write("a", "mine")
    assert folder.actions({}) == {"a": "conflict"}
    assert folder.actions({}, force=True) == {"a": "delete"}


def test_a_file_that_left_the_spec_and_is_gone_is_nothing(folder):
    folder.build({"a": "1", "b/c": "1"})
    (folder.root / "a").unlink()
    (folder.root / "b/c").unlink()
    (folder.root / "b").rmdir()
    assert folder.diff({}) == ()


def test_files_that_nobody_generated_are_not_mentioned(folder):
    folder.write("notes.txt", "the user's")
    assert folder.actions({"a": "1"}) == {"a": "create"}


def test_executable_bits_and_times_do_not_matter(folder):
    folder.build({"a": "1"})
    (folder.root / "a").chmod(0o755)
    os.utime(folder.root / "a", (1, 1))
    assert folder.actions({"a": "1"}) == {"a": "keep"}


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_where_a_file_has_to_be_is_a_conflict(folder, force):
    (folder.root / "a").mkdir(parents=True)
    (change,) = folder.diff({"a": "1"}, force=force)
    assert (change.action, change.reason) == (
        "conflict",
        "a folder stands where the file has to be",
    )


def test_a_file_where_a_folder_has_to_be_is_a_conflict(folder):
    folder.write("a", "the user's")
    (change,) = folder.diff({"a/b/c": "1"})
    assert (change.action, change.reason) == ("conflict", "a is a file where a folder has to be")


def test_our_own_file_makes_room_for_a_folder(folder):
    folder.build({"a": "1"})
    assert folder.actions({"a/b": "1"}) == {"a": "delete", "a/b": "create"}


def test_our_own_folder_makes_room_for_a_file(folder):
    folder.build({"a/b/c": "1", "a/d": "1"})
    assert folder.actions({"a": "1"}) == {"a": "create", "a/b/c": "delete", "a/d": "delete"}
    folder.write("a/mine", "the user's")
    assert folder.actions({"a": "1"})["a"] == "conflict"


@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_read_or_written_through_a_symbolic_link(folder, tmp_path, force):
    folder.build({"a/b": "1"})
    elsewhere = tmp_path / "elsewhere"
    (folder.root / "a").rename(elsewhere)
    (folder.root / "a").symlink_to(elsewhere)
    (change,) = folder.diff({"a/b": "2"}, force=force)
    assert change.action == "conflict"
    assert "a is a symbolic link" in change.reason
    assert folder.diff({}, force=force) == ()


def test_a_symbolic_link_in_place_of_a_file_is_a_conflict(folder):
    folder.build({"a": "1", "b": "1"})
    (folder.root / "a").unlink()
    (folder.root / "a").symlink_to("b")
    assert folder.actions({"a": "1", "b": "1"}) == {"a": "conflict", "b": "keep"}


def test_a_file_that_is_no_text_can_still_be_replaced_and_compared(folder):
    folder.build({"a": "1"})
    (folder.root / "a").write_bytes(b"\xff\xfe")
    (change,) = folder.diff({"a": "1"}, force=True)
    assert (change.action, change.before) == ("update", None)


def test_placed_files_are_hashed_once(folder, monkeypatch):
    entries = {"w": folder.copy("w", b"weights")}
    folder.build(entries)
    read = []
    see = disk.see
    monkeypatch.setattr(disk, "see", lambda path: (read.append(path), see(path))[1])
    folder.actions(entries)
    assert read == []
    os.utime(folder.root / "w", (1, 1))
    assert folder.actions(entries) == {"w": "keep"}
    assert len(read) == 1
    assert not folder.build(entries)
    read.clear()
    folder.actions(entries)
    assert read == []


def test_a_placed_file_that_changed_at_the_same_size_is_noticed(folder):
    entries = {"w": folder.copy("w", b"weights")}
    folder.build(entries)
    (folder.root / "w").write_bytes(b"WEIGHTS")
    os.utime(folder.root / "w", (1, 1))
    assert folder.actions(entries) == {"w": "conflict"}


@pytest.mark.parametrize("cache", ["", "[]", "{", '{"w": 1}', '{"w": [1, 2, 3]}', "\0"])
def test_a_broken_cache_costs_only_time(folder, cache):
    entries = {"w": folder.copy("w", b"weights")}
    folder.build(entries)
    (folder.root / PLACED).write_text(cache)
    assert folder.actions(entries) == {"w": "keep"}


def test_a_file_that_is_its_own_source_is_never_ours(folder):
    folder.write("m/1/model.onnx", "the user's only copy")
    entry = folder.copy("same", b"the user's only copy")
    entry = type(entry)(
        source=str(folder.root / "m/1/model.onnx"),
        sha256=entry.sha256,
        size_bytes=entry.size_bytes,
        owner="models.m",
    )
    assert folder.actions({"m/1/model.onnx": entry}) == {"m/1/model.onnx": "keep"}
    folder.build({"m/1/model.onnx": entry, "m/config.pbtxt": "1"})
    assert folder.actions({}) == {"m/config.pbtxt": "delete"}


def entry_of(**said: object) -> str:
    owned = {"owner": "o", "kind": "text", "sha256": "0" * 64, "size_bytes": 1, **said}
    return json.dumps({"format": 1, "files": {"a": owned}})


def at(path: str) -> str:
    return entry_of().replace('"a"', json.dumps(path))


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "<<<<<<< HEAD",
        "[]",
        "[" * 100_000,
        '{"format": 2, "files": {}}',
        '{"format": 1, "files": []}',
        '{"format": 1, "files": {"a": null}}',
        entry_of(sha256="short"),
        entry_of(sha256=3),
        entry_of(size_bytes=-1),
        entry_of(size_bytes=True),
        entry_of(size_bytes="1"),
        entry_of(kind="link"),
        entry_of(kind=[]),
        entry_of(owner=None),
        entry_of(more=1),
        at("/etc/passwd"),
        at("../outside"),
        at("a/../../outside"),
        at("a/./b"),
        at("a\0b"),
        at("a\\b"),
        at(""),
        at("."),
        at("\ud800"),
        at(STATE),
        at(MANIFEST),
        at(f"{STATE}/staging/new/0"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused_by_name_and_remedy(folder, manifest):
    folder.build({"a": "1"})
    (folder.root / MANIFEST).write_text(manifest)
    with pytest.raises(SpecError) as refusal:
        folder.diff({})
    assert str(folder.root / MANIFEST) in refusal.value.message
    assert "delete it" in refusal.value.fix


def test_a_manifest_that_is_a_link_or_not_utf8_is_refused(folder, tmp_path):
    folder.build({"a": "1"})
    (folder.root / MANIFEST).write_bytes(b"\xff")
    with pytest.raises(SpecError):
        folder.diff({})
    (folder.root / MANIFEST).rename(tmp_path / "manifest.json")
    (folder.root / MANIFEST).symlink_to(tmp_path / "manifest.json")
    with pytest.raises(SpecError, match="not a regular file"):
        folder.diff({})


def test_without_its_manifest_a_folder_is_adopted_again(folder):
    folder.build({"a": "1", "b": "1"})
    (folder.root / MANIFEST).unlink()
    assert folder.actions({"a": "1", "b": "2"}) == {"a": "keep", "b": "conflict"}


def test_the_state_folder_is_never_generated_nor_a_link(folder, tmp_path):
    with pytest.raises(SpecError):
        folder.diff({MANIFEST: "{}"})
    folder.root.mkdir()
    (folder.root / STATE).symlink_to(tmp_path)
    with pytest.raises(HostError, match="not a folder of its own"):
        folder.diff({"a": "1"})


def test_a_root_that_is_a_file_is_refused(folder):
    folder.root.write_text("")
    with pytest.raises(HostError, match="is a file"):
        folder.diff({"a": "1"})


def test_a_path_too_long_is_refused(folder):
    folder.root.mkdir()
    with pytest.raises(HostError, match="too long"):
        folder.diff({"a" * 300: "1"})


def test_diff_writes_nothing(folder):
    folder.write("b", "1")
    before = folder.files()
    folder.diff({"a": "1", "b": "2", "c/d": "3"})
    assert folder.files() == before
    assert not (folder.root / STATE).exists()


def test_a_seen_file_is_told_from_another_by_size_time_and_inode(tmp_path: Path):
    path = tmp_path / "a"
    path.write_text("1")
    seen = disk.see(path)
    assert isinstance(seen, Seen)
    assert disk.is_same(seen, path.lstat())
    os.utime(path, (1, 1))
    assert not disk.is_same(seen, path.lstat())
