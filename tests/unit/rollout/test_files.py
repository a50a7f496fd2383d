"""The files to go back to, and what tells which models a replica has loaded."""

import hashlib
from pathlib import Path

import pytest

from tritongen.records.manifest import Manifest
from tritongen.records.tree import Copy, Text, Tree
from tritongen.stages.apply import apply, diff
from tritongen.stages.rollout import (
    digest,
    forget,
    keep,
    manifest_at,
    manifest_of,
    note_served,
    served,
)
from tritongen.stages.rollout.files import changed_models


def tree(root: Path, **models: str) -> Tree:
    """A repository of models with a text and weights each, and a file beside it."""
    entries: dict[str, Text | Copy] = {"compose/x.yml": Text(text="x\n", owner="compose")}
    for name, content in models.items():
        weights = root.parent / f"{name}-{content}.onnx"
        weights.write_text(content * 100)
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        entries[f"model_repository/{name}/config.pbtxt"] = Text(text=content, owner="m")
        entries[f"model_repository/{name}/1/model.onnx"] = Copy(
            source=str(weights), sha256=sha256, size_bytes=len(content) * 100, owner="m"
        )
    return Tree(entries)


def write(root: Path, new: Tree) -> None:
    apply(diff(new, root, force=True), root, new)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_what_was_kept_can_be_written_again(root: Path) -> None:
    write(root, tree(root, a="1", b="2"))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    kept = keep(root)
    write(root, tree(root, a="3", c="4"))
    assert not (root / "model_repository/b").exists()
    write(root, kept)
    forget(root)
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert {p: c for p, c in after.items() if ".tritongen/cache" not in str(p)} == {
        p: c for p, c in before.items() if ".tritongen/cache" not in str(p)
    }


def test_what_a_rollout_kept_that_was_cut_off_is_not_kept_over(root: Path) -> None:
    write(root, tree(root, a="1"))
    first = manifest_of(keep(root))
    write(root, tree(root, a="2"))
    assert manifest_of(keep(root)) == first
    forget(root)
    assert manifest_of(keep(root)) != first


def test_the_digest_is_of_the_models_alone(root: Path) -> None:
    one = manifest_of(tree(root, a="1"))
    other = manifest_of(
        Tree({**tree(root, a="1").entries, "compose/x.yml": Text(text="y", owner="c")})
    )
    assert digest(one) == digest(other)
    assert digest(one) != digest(manifest_of(tree(root, a="2")))
    assert digest(manifest_at(root)) == digest(Manifest())


def test_changed_models_are_told_from_those_that_are_gone(root: Path) -> None:
    before = manifest_of(tree(root, a="1", b="1", c="1"))
    after = manifest_of(tree(root, a="1", b="2", d="1"))
    assert changed_models(before, after) == (["b", "d"], ["c"])


def test_what_was_loaded_is_noted_and_anything_else_is_not_known(root: Path) -> None:
    assert served(root) == {}
    note_served(root, {"id": "digest"})
    assert served(root) == {"id": "digest"}
    (root / ".tritongen/run/served.json").write_text("[]")
    assert served(root) == {}
