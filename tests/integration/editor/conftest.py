"""Programs from npm that the tests hold our output against, installed once beside this file."""

import shutil
from pathlib import Path

import pytest
from tests.npm import installed

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of what ``package-lock.json`` names; skipped where npm or its registry is not."""
    return installed(FOLDER)


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("NOT TESTED: node is not on this machine")
    return found
