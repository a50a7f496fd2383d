"""The how-to pages work as written: the lint of the ten minutes is added and found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lint_of_the_how_to_can_be_added_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "add-a-lint.md").read_text("utf-8")
    module, line = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (cases,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    package = tmp_path / "generator" / "tritongen"
    shutil.copytree(
        ROOT / "generator" / "tritongen", package, ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "tests" / "cases", tmp_path / "tests" / "cases")
    lints = package / "parts" / "lints"
    (lints / "tg150_long_delay.py").write_text(module, "utf-8")
    table = (lints / "__init__.py").read_text("utf-8")
    table = table.replace(
        "from tritongen.parts.lints import (",
        "from tritongen.parts.lints import (\n    tg150_long_delay,",
    ).replace('    "TG204"', f'{line}    "TG204"')
    (lints / "__init__.py").write_text(table, "utf-8")
    (tmp_path / "tests" / "cases" / "lints" / "TG150.yaml").write_text(cases, "utf-8")
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/cases/test_lints.py",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "generator"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    listed = subprocess.run(
        [sys.executable, "-c", "import tritongen; print(tritongen.__file__)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "generator")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path) in listed.stdout, "the copy was tested, not the installed package"
