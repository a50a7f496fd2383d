"""A build that would change nothing is not done again; one that would is never taken for it."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tritongen.cli import cli
from tritongen.cli.build import Request

SPEC = """
models:
  step:
    python: steps/step.py:step
    input: {x: "FP32[${WIDTH:-4}]"}
    output: {y: "FP32[4]"}
    files: {words.txt: words.txt}
    labels: {y: labels.txt}
"""


def request_in(root: Path, *overlays: str, strict: bool = False) -> Request:
    return Request.of(root / "spec.yaml", [root / o for o in overlays], root, strict=strict)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that was built, and built again once nothing of it is younger than the build."""
    monkeypatch.delenv("WIDTH", raising=False)
    root = tmp_path / "project"
    (root / "steps").mkdir(parents=True)
    (root / "spec.yaml").write_text(SPEC)
    (root / "steps" / "step.py").write_text("import math\n\n\ndef step(x):\n    return {'y': x}\n")
    (root / "words.txt").write_text("a\nb\n")
    (root / "labels.txt").write_text("a\nb\nc\nd\n")
    (root / "over.yaml").write_text("name: other\n")
    build(root)
    time.sleep(0.1)  # files have to be older than the build that remembers them
    build(root)
    assert request_in(root).unchanged() is not None
    return root


def build(root: Path) -> None:
    result = CliRunner().invoke(cli, ["build", str(root / "spec.yaml")], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def rewrite(path: Path, text: str) -> None:
    """Change a file's bytes and keep its size and modification time, as `cp -p` may."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: Mapping[str, Callable[[Path], Any]] = {
    "the spec": lambda root: (root / "spec.yaml").write_text(SPEC + "\nname: new\n"),
    "a step": lambda root: (root / "steps/step.py").write_text("def step(x):\n    return {}\n"),
    "a step, its size and time kept": lambda root: rewrite(
        root / "steps/step.py", "import math\n\n\ndef step(x):\n    return {'z': x}\n"
    ),
    "an extra file": lambda root: (root / "words.txt").write_text("a\nc\n"),
    "a label file": lambda root: (root / "labels.txt").write_text("a\nb\nc\ne\n"),
    "a module that the step will import now": lambda root: (root / "steps/math.py").touch(),
    "a file that is gone": lambda root: (root / "words.txt").unlink(),
    "a generated file edited by hand": lambda root: rewrite(
        root / "model_repository/step/config.pbtxt", "edited"
    ),
    "a generated file that is gone": lambda root: (
        root / "model_repository/step/1/step.json"
    ).unlink(),
    "a placed file that is gone": lambda root: (root / "model_repository/step/words.txt").unlink(),
    "the manifest": lambda root: (root / ".tritongen/manifest.json").write_text("{}"),
    "an apply that was interrupted": lambda root: (root / ".tritongen/journal.json").touch(),
    "an apply that was being undone": lambda root: (root / ".tritongen/rollback.json").touch(),
    "a damaged stamp": lambda root: (root / ".tritongen/cache/stamp.json").write_text("{"),
    "a stamp of something else": lambda root: (root / ".tritongen/cache/stamp.json").write_text(
        "[]"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(built: Path, change: str) -> None:
    CHANGES[change](built)
    assert request_in(built).unchanged() is None


LINKED = """
models:
  raw: {python: raw.py, files: {words.txt: linked.txt, more: linked}}
"""


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A project that was built from links to a file and to a folder elsewhere."""
    root, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (elsewhere / "folder").mkdir(parents=True)
    (elsewhere / "file.txt").write_text("a\n")
    (elsewhere / "folder/one").touch()
    root.mkdir()
    (root / "spec.yaml").write_text(LINKED)
    (root / "raw.py").write_text("class TritonPythonModel:\n    def execute(self, r): ...\n")
    (root / "linked.txt").symlink_to(elsewhere / "file.txt")
    (root / "linked").symlink_to(elsewhere / "folder")
    build(root)
    time.sleep(0.1)  # as in `built`
    build(root)
    assert request_in(root).unchanged() is not None
    return root


def test_a_file_behind_a_link_is_seen_to_change(linked: Path) -> None:
    (linked.parent / "elsewhere/file.txt").write_text("b\n")
    assert request_in(linked).unchanged() is None


def test_a_file_more_in_a_folder_behind_a_link_is_seen(linked: Path) -> None:
    (linked.parent / "elsewhere/folder/two").touch()
    assert request_in(linked).unchanged() is None


def test_a_link_whose_end_is_gone_is_seen(linked: Path) -> None:
    (linked.parent / "elsewhere/file.txt").unlink()
    assert request_in(linked).unchanged() is None


def test_one_build_is_enough(built: Path, tmp_path: Path) -> None:
    weights = built / "words.txt"
    weights.chmod(0o444)  # placed as a link, which changes the time of the file itself
    (built / "spec.yaml").write_text(SPEC + "\nname: again\n")
    time.sleep(0.1)
    out = tmp_path / "out"
    arguments = ["build", str(built / "spec.yaml"), "-o", str(out)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert Request.of(built / "spec.yaml", [], out, strict=False).unchanged() is not None


def test_what_was_asked_for_is_part_of_it(built: Path) -> None:
    assert request_in(built, "over.yaml").unchanged() is None
    assert request_in(built, strict=True).unchanged() is None


def test_a_variable_that_the_spec_asks_for_is_part_of_it(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "1")
    assert request_in(built).unchanged() is not None
    monkeypatch.setenv("WIDTH", "8")
    assert request_in(built).unchanged() is None


def test_the_result_is_what_the_build_found(built: Path) -> None:
    done = request_in(built).unchanged()
    assert done is not None
    assert done["files"] == 6
    assert done["serving"]["release"]["tag"] == "24.10"


def test_a_second_build_says_the_same_with_and_without_a_stamp(built: Path) -> None:
    fast = CliRunner().invoke(cli, ["build", str(built / "spec.yaml")])
    (built / ".tritongen/cache/stamp.json").unlink()
    slow = CliRunner().invoke(cli, ["build", str(built / "spec.yaml")])
    assert fast.output == slow.output
    assert (fast.exit_code, slow.exit_code) == (0, 0)
