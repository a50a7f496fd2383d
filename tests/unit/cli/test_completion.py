"""The completion scripts complete commands and options in real shells."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tritongen.cli import COMMANDS, cli

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_names_the_program(shell: str) -> None:
    run = CliRunner().invoke(cli, ["completion", shell])
    assert run.exit_code == 0, run.output
    assert "_TRITONGEN_COMPLETE" in run.stdout


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    if not shutil.which("bash") or not (BIN / "tritongen").exists():
        pytest.skip("NOT TESTED: bash or the installed program is not here")
    script = tmp_path / "completion"
    script.write_text(CliRunner().invoke(cli, ["completion", "bash"]).stdout)
    ask = (
        f"source {script}; COMP_WORDS=(tritongen ''); COMP_CWORD=1; "
        "_tritongen_completion tritongen; echo ${COMPREPLY[@]}; "
        "COMPREPLY=(); COMP_WORDS=(tritongen check --fo); COMP_CWORD=2; "
        "_tritongen_completion tritongen; echo ${COMPREPLY[@]}"
    )
    run = subprocess.run(
        ["bash", "--norc", "-c", ask],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    commands, options = run.stdout.splitlines()
    assert commands.split() == sorted(COMMANDS)
    assert options == "--format"
