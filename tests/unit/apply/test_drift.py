from tritongen.records.paths import MANIFEST
from tritongen.stages.apply import drift, unified


def drifting(folder, entries):
    changes = folder.diff(entries)
    return {
        change.path: change.action for change in drift(changes, folder.root, folder.tree(entries))
    }


def test_what_was_built_does_not_drift(folder):
    entries = {"a": "1", "w": folder.copy("w", b"x")}
    folder.build(entries)
    assert drifting(folder, entries) == {}


def test_weights_that_are_not_checked_in_are_no_drift(folder):
    entries = {"a": "1", "m/w": folder.copy("w", b"x")}
    folder.build(entries)
    (folder.root / "m/w").unlink()
    (folder.root / "m").rmdir()
    assert drifting(folder, entries) == {}


def test_weights_of_another_hash_are_drift(folder):
    folder.build({"w": folder.copy("w", b"x")})
    (folder.root / "w").unlink()
    assert drifting(folder, {"w": folder.copy("w", b"y")}) == {"w": "create", MANIFEST: "update"}


def test_a_generated_file_that_is_missing_edited_or_left_over_is_drift(folder):
    folder.build({"a": "1", "b": "1", "c": "1", "d": "1"})
    (folder.root / "a").unlink()
    folder.write("b", "mine")
    assert drifting(folder, {"a": "1", "b": "1", "d": "2"}) == {
        "a": "create",
        "b": "conflict",
        "c": "delete",
        "d": "update",
        MANIFEST: "update",
    }


def test_a_manifest_that_would_change_is_drift_by_itself(folder):
    assert drifting(folder, {}) == {MANIFEST: "create"}
    folder.build({})
    assert drifting(folder, {}) == {}
    (folder.root / MANIFEST).write_text((folder.root / MANIFEST).read_text() + "\n")
    assert drifting(folder, {}) == {MANIFEST: "update"}


def test_a_text_is_shown_as_a_unified_diff(folder):
    folder.build({"a": "1\n2\n", "gone": "1\n"})
    changes = folder.diff({"a": "1\n3\n", "new": "no line end"})
    assert [unified(change) for change in changes] == [
        "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n",
        "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n",
        "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+no line end\n\\ No newline at end of file\n",
    ]


def test_weights_are_shown_as_one_line(folder):
    entry = folder.copy("w", b"x" * 2_500_000)
    (change,) = folder.diff({"w": entry})
    assert unified(change) == f"create w: 2.5 MB, sha256 {entry.sha256}\n"
    folder.build({"w": entry})
    (change,) = folder.diff({})
    assert unified(change) == "delete w: 2.5 MB\n"


def test_what_stays_is_not_shown(folder):
    folder.build({"a": "1"})
    assert [unified(change) for change in folder.diff({"a": "1"})] == [""]
