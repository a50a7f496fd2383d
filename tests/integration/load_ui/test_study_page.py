"""The page of a study in a real browser: whole, inside its window, without complaint."""

import pytest
from tests.browser import Browser
from tests.unit.tune.made import LOAD, planned, server

from tritongen.records.study import Host
from tritongen.stages.report import render_study
from tritongen.stages.tune import tune

TUNE = LOAD + "tune: {method: random, budget: 10 trials, constraints: {p99: 60ms}}\n"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("study")
    plan = planned(folder, TUNE)
    assert plan.tune is not None
    evaluate = server(plan).evaluate
    study = tune(plan, evaluate, plan.tune, host=Host(cores=4), journal=folder / "s-1.jsonl")
    path = folder / "study.html"
    path.write_text(render_study(study), "utf-8")
    return path.as_uri()


def test_the_page_opens_without_complaint_and_asks_for_nothing(window: Browser, page: str) -> None:
    window.open(page)
    assert "What was tried" in window.text()
    assert window.errors() == []
    assert (
        window.run("return performance.getEntriesByType('resource').map(each => each.name)") == []
    )


@pytest.mark.parametrize("width", [1200, 400])
def test_nothing_is_cut_off(window: Browser, page: str, width: int) -> None:
    window.resize(width)
    window.open(page)
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")
    outside = window.run(
        """return [...document.querySelectorAll("svg text, svg circle")].filter(each => {
             const one = each.getBoundingClientRect();
             const chart = each.closest("figure").getBoundingClientRect();
             return one.left < chart.left - 1 || one.right > chart.right + 1
               || one.top < chart.top - 1 || one.bottom > chart.bottom + 1;
           }).map(each => each.textContent)"""
    )
    assert outside == []
    tiles = window.run(
        """return [...document.querySelectorAll(".tile .value")]
           .filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"""
    )
    assert tiles == []
