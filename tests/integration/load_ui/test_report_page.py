"""The page of a load test in a real browser: whole, inside its window, without complaint."""

import json
from pathlib import Path

import pytest
from tests.browser import Browser

from tritongen.stages.measure import read_measurement
from tritongen.stages.report import render_report

RESULT = Path(__file__).parents[2] / "unit" / "report" / "measurement.json"


@pytest.fixture
def page(tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_text(render_report(read_measurement(RESULT)), "utf-8")
    return path.as_uri()


def test_the_page_opens_without_complaint_and_asks_for_nothing(window: Browser, page: str) -> None:
    window.open(page)
    assert "All 3 objectives were met" in window.text()
    assert window.errors() == []
    assert (
        window.run("return performance.getEntriesByType('resource').map(each => each.name)") == []
    )


@pytest.mark.parametrize("width", [1200, 400])
def test_nothing_is_cut_off(window: Browser, page: str, width: int) -> None:
    """What is wider than a small window, a table, is scrolled by itself."""
    window.resize(width)
    window.open(page)
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")
    outside = window.run(
        """return [...document.querySelectorAll("svg text")].filter(text => {
             const one = text.getBoundingClientRect();
             const chart = text.closest("figure").getBoundingClientRect();
             return one.left < chart.left - 1 || one.right > chart.right + 1;
           }).map(text => text.textContent)"""
    )
    assert outside == []


def test_a_printed_page_has_all_of_its_tables(window: Browser, page: str) -> None:
    """A4 less its margins; what would be scrolled on a screen would be lost."""
    window.print(687)
    window.open(page)
    lost = window.run(
        """return [...document.querySelectorAll("main *")]
           .filter(each => each.getBoundingClientRect().right > innerWidth)
           .map(each => each.textContent.trim())"""
    )
    assert lost == []


def test_names_in_a_chart_do_not_cover_each_other(window: Browser, page: str) -> None:
    window.open(page)
    boxes = window.run(
        """return [...document.querySelectorAll("svg")].map(chart =>
             [...chart.querySelectorAll("text")].map(text => {
               const one = text.getBoundingClientRect();
               return [text.textContent, one.left, one.top + 3, one.right, one.bottom - 3];
             }))"""
    )
    for chart in boxes:
        for i, (name, left, top, right, bottom) in enumerate(chart):
            for other, x, y, end, low in chart[i + 1 :]:
                apart = right <= x or end <= left or bottom <= y or low <= top
                assert apart, json.dumps([name, other])
