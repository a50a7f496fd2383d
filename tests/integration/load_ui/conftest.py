"""A window of a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browser import Browser, browser


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "browser") as opened:
        yield opened
