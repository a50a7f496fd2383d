"""Runs a page of the documentation: its files are written, its commands are run, in order."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
PARTS = re.compile(r"```\w+ title=\"([^\"]+)\"\n(.*?)```|```console\n(\$ .*?)```", re.DOTALL)


def run_page(text: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (command, what the page shows below it, what it printed) for each command of a page."""
    for part in PARTS.finditer(text):
        if part[1]:
            path = folder / part[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(part[2], "utf-8")
            continue
        for command in re.split(r"^\$ ", part[3], flags=re.MULTILINE)[1:]:
            line, _, shown = command.partition("\n")
            yield line, shown, run(line, folder)


def run(line: str, folder: Path) -> str:
    """Run one command, without a shell, as if typed in a terminal of 80 columns."""
    environment = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "COLUMNS": "80"}
    done = subprocess.run(
        shlex.split(line),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def normal(text: str) -> str:
    """Return output without what differs from run to run: times, ports, process ids, spaces."""
    text = re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text)
    text = re.sub(r"\bpid \d+", "PID", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line.strip("─ "))
