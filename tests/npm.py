"""Programs from npm that tests hold our output against, installed once beside the tests."""

import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder: Path) -> Path:
    """Return ``node_modules`` of the folder's ``package-lock.json``; skip where it can't be had."""
    found = folder / "node_modules"
    stamp = found / ".of-lock"
    lock = (folder / "package-lock.json").read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == lock:
        return found
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("NOT TESTED: node and npm are not on this machine (Debian: apt install npm)")
    run = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if run.returncode != 0:
        pytest.skip(f"NOT TESTED: npm ci could not install: {run.stderr.strip()[-400:]}")
    stamp.write_text(lock, "utf-8")
    return found
