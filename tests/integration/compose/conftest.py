"""A Docker engine, images under the names of the real ones, and what was measured with them.

Where no engine may be started every test here is SKIPPED, and the reason says so.
"""

from collections.abc import Iterator

import pytest
from tests.integration.compose import debian, stand_ins
from tests.integration.compose import engine as docker
from tests.integration.compose.engine import Engine
from tests.integration.compose.measured import MEASURED, timed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, whether the tests passed or not."""
    if MEASURED:
        terminalreporter.section("measured on the real engine")
        terminalreporter.write("\n".join(MEASURED) + "\n")


@pytest.fixture(scope="package")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine of the tests' own that holds what stand-in images are built from."""
    if reason := docker.why_not():
        pytest.skip(f"NOT TESTED on a real Docker engine: {reason}")
    folder = tmp_path_factory.mktemp("docker")
    with timed("lists of packages"):
        suites = debian.suites(folder, "bookworm", "trixie")
    with timed("engine"):
        docker.unpack(suites["bookworm"], suites["trixie"], folder / "programs")
    with docker.engine(folder / "programs", folder / "engine") as running:
        with timed("what images are made of"):
            stand_ins.bases(running, suites, folder / "images")
        yield running
