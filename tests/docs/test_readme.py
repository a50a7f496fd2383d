"""The README's commands work as written and print what it shows, on the real server."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PROGRAMS = Path(sys.executable).parent

pytestmark = pytest.mark.server


def sessions() -> Iterator[tuple[str, str, str]]:
    """Yield (command, "", output shown below it), and (what a spec says, what it says instead)."""
    parts = r"<!-- test: broken.yaml is spec.yaml with «(.*?)» as «(.*?)» -->|```console\n(.*?)```"
    for found in re.finditer(parts, README, re.DOTALL):
        if found[3] is None:
            yield "", found[1], found[2]
            continue
        for command in re.split(r"^\$ ", found[3], flags=re.MULTILINE)[1:]:
            line, _, output = command.partition("\n")
            yield line, "", output


def normal(text: str) -> str:
    """Return output without what differs from run to run: times, ports, counts, spaces, scores."""
    text = re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text)
    text = re.sub(r"0\.\d+", "SCORE", text)
    text = re.sub(r"\b\d+ (created|files are)", r"SEVERAL \1", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line.strip("─ "))


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    shutil.copy(ROOT / "spec.yaml", tmp_path)
    shutil.copytree(ROOT / "examples" / "files", tmp_path / "examples" / "files")
    shutil.copytree(
        ROOT / "steps", tmp_path / "steps", ignore=shutil.ignore_patterns("__pycache__")
    )
    environment = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "COLUMNS": "80"}
    tried = []
    try:
        for line, old, shown in sessions():
            if old:
                spec = (tmp_path / "spec.yaml").read_text()
                assert old in spec
                (tmp_path / "broken.yaml").write_text(spec.replace(old, shown))
                continue
            words = shlex.split(line)
            if words[0] == "make":
                assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
                continue
            run = subprocess.run(
                words,
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
            assert normal(run.stdout) == normal(shown), line
            tried.append(line)
    finally:
        subprocess.run([PROGRAMS / "tritongen", "down"], cwd=tmp_path, check=False)
    assert len(tried) >= 8


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
