"""What ``build`` says about files that are not as the spec says."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tritongen.cli import cli
from tritongen.errors import DriftError

SPEC = """
models:
  m: {source: none, backend: identity,
      input: {INPUT0: "FP32[4]"}, output: {OUTPUT0: "FP32[4]"}}
"""
CONFIG = "model_repository/m/config.pbtxt"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(SPEC)
    CliRunner().invoke(cli, ["build", str(tmp_path / "spec.yaml")], catch_exceptions=False)
    assert (tmp_path / CONFIG).is_file()
    return tmp_path


def drift(root: Path) -> DriftError:
    arguments = ["build", str(root / "spec.yaml"), "--check"]
    error = CliRunner().invoke(cli, arguments, standalone_mode=False).exception
    assert isinstance(error, DriftError)
    return error


def test_a_check_sends_to_build_what_build_can_write(built: Path) -> None:
    (built / CONFIG).unlink()
    assert drift(built).fix == "run tritongen build"


def test_a_check_says_first_what_build_would_refuse(built: Path) -> None:
    (built / CONFIG).write_text("edited")
    assert drift(built).fix.startswith("move what was edited into the spec")
