"""``build`` of a spec with a stack: its files, and the password that is made once."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tritongen.cli import cli

SPEC = """
models:
  s: {python: s.py:run, input: {x: "FP32[1]"}, output: {y: "FP32[1]"}}
stack: {}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "s.py").write_text('def run(x):\n    return {"y": x}\n')
    return tmp_path


def build(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["build", str(folder / "spec.yaml"), *words])


def test_all_that_docker_needs_is_there(folder: Path) -> None:
    assert build(folder).exit_code == 0
    for path in ("docker-compose.yml", "compose/README.md", "model_repository/s/1/model.py"):
        assert (folder / path).is_file()


def test_the_password_belongs_to_no_build(folder: Path) -> None:
    build(folder)
    manifest = json.loads((folder / ".tritongen" / "manifest.json").read_text())
    assert ".env" not in manifest["files"]
    mine = "GRAFANA_PASSWORD=mine\n"
    (folder / ".env").write_text(mine)
    assert build(folder, "--force").exit_code == 0
    assert build(folder, "--check").exit_code == 0
    assert (folder / ".env").read_text() == mine


def test_a_lost_password_is_made_again_although_nothing_else_is_to_do(folder: Path) -> None:
    build(folder)
    assert "nothing to do" in build(folder).output
    (folder / ".env").unlink()
    assert "made a password" in build(folder).output
    assert (folder / ".env").is_file()


@pytest.mark.parametrize("word", ["--check", "--diff"])
def test_looking_makes_no_password(folder: Path, word: str) -> None:
    build(folder, word)
    assert not (folder / ".env").exists()


def test_a_spec_that_loses_its_stack_loses_its_files_but_no_password(folder: Path) -> None:
    build(folder)
    (folder / "spec.yaml").write_text(SPEC.replace("stack: {}", ""))
    build(folder)
    assert not (folder / "docker-compose.yml").exists()
    assert not (folder / "compose").exists()
    assert (folder / ".env").is_file()
