"""Programs from npm that the tests hold our output against, installed once beside this file."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of what ``package-lock.json`` names; skipped where npm or its registry is not."""
    installed = FOLDER / "node_modules"
    stamp = installed / ".of-lock"
    lock = (FOLDER / "package-lock.json").read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == lock:
        return installed
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("NOT TESTED: node and npm are not on this machine (Debian: apt install npm)")
    run = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if run.returncode != 0:
        pytest.skip(f"NOT TESTED: npm ci could not install: {run.stderr.strip()[-400:]}")
    stamp.write_text(lock, "utf-8")
    return installed


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("NOT TESTED: node is not on this machine")
    return found
