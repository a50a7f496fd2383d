"""Locust's dashboard in the stack, as a person with a browser uses it."""

from pathlib import Path

from tests.browser import browser
from tests.integration.compose.flagship.test_load import results_of
from tests.integration.compose.project import Project
from tests.integration.compose.prometheus import until

ROW = """return [...document.querySelectorAll("tr")]
    .map(row => [...row.cells].map(cell => cell.innerText))
    .find(cells => cells[0] === "filetype" && +cells[8] > 20)"""
CHOOSE = """const list = document.querySelector("#loadtest")
    const set = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value").set
    set.call(list, arguments[0])
    list.dispatchEvent(new Event("change", {bubbles: true}))"""
HOSTS = """return [...new Set(performance.getEntriesByType("resource")
    .map(each => new URL(each.name).hostname))]"""


def test_a_load_test_is_started_and_watched_in_the_browser(
    flagship: Project, tmp_path: Path
) -> None:
    with (
        flagship.http("locust-master", 8089) as page,
        browser(tmp_path / "browser") as window,
    ):
        until(lambda: page.get("/stats/requests").json()["worker_count"], "a worker")
        window.open(str(page.base_url))
        window.click("New")
        window.wait("return document.querySelector('#loadtest')")
        window.run(CHOOSE, "smoke")
        window.click("Start")
        window.click("Triton models")
        row = window.wait(ROW, seconds=30)
        assert row[9] == "0"
        window.click("Triton charts")
        window.wait("return document.querySelector('triton-charts polyline')")
        assert window.run(HOSTS) == ["127.0.0.1"]
        assert window.errors() == []
        results = until(lambda: results_of(page, "smoke"), "its results")
    assert results["total"]["failed"] == 0
