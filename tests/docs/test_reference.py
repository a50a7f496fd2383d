"""The reference pages are what the code says now."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = runpy.run_path(str(ROOT / "docs" / "reference.py"))["PAGES"]


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_current(name: str) -> None:
    page = ROOT / "docs" / name
    assert page.read_text("utf-8") == PAGES[name](), "run: make docs"
