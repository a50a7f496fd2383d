"""The tabs for the server's side on Locust's page, without a server and without a browser."""

from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import load_charts
import pytest
from flask import Flask
from load_statistics import Counted, SilenceError, counted
from load_ui import Page, Watched
from tritonclient.grpc.service_pb2 import ModelStatistics

EVIL = "<b onclick='x()'>&"
MS = 1_000_000


Answer = dict[str, Counted] | list[dict[str, Counted]] | str


class Told:
    """A server, or a list of them, that tells what it is given, one after the other."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def ask(self) -> dict[str, dict[str, Counted]]:
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise SilenceError(answer)
        servers = answer if isinstance(answer, list) else [answer]
        return {str(i): models for i, models in enumerate(servers) if models}


def watched(*answers: Answer) -> Watched:
    told: Any = Told(*answers)
    made = Watched(told)
    for i in range(len(answers)):
        made.look()
        # A second between two looks, without waiting for it.
        made.at -= 1.0 if i < len(answers) - 1 else 0.0
    return made


def done(requests: int, **more: Any) -> Counted:
    said = {"rows": requests, "executions": requests, "batches": {1: requests}, **more}
    return Counted(requests=requests, **said)


def test_versions_of_a_model_are_added_up() -> None:
    versions = []
    for number in ("1", "2"):
        one = ModelStatistics(name="m", version=number, inference_count=6, execution_count=3)
        one.inference_stats.success.count = 4
        one.inference_stats.queue.ns = 8
        one.batch_stats.add(batch_size=2).compute_infer.count = 3
        versions.append(one)
    (model,) = counted(versions).values()
    assert (model.requests, model.rows, model.executions, model.queue) == (8, 12, 6, 16)
    assert model.batches == {2: 6}


def test_a_row_says_what_a_model_does_now_and_has_done_since_the_run_began() -> None:
    before, after = done(100), done(140, queue=80 * MS, executions=110, failed=2)
    (row,) = watched({"m": before}, {"m": after}).rows()
    assert row["rate"] == pytest.approx(40, rel=0.05)
    assert row["queue"] == 2
    assert row["mean_batch"] == 4
    assert (row["requests"], row["failed"]) == (40, 2)


def test_a_run_counts_from_its_begin() -> None:
    seen = watched({"m": done(100)}, {"m": done(140)})
    seen.begin()
    (row,) = seen.rows()
    assert row["requests"] == 0
    assert not seen.whole()["m"].batches


def test_a_model_that_was_loaded_again_counts_from_nothing() -> None:
    assert done(7).since(done(100)) == done(7)


def test_servers_behind_a_gateway_are_added_up() -> None:
    seen = watched([{"m": done(100)}, {"m": done(7)}], [{"m": done(140)}, {"m": done(9)}])
    assert seen.whole()["m"].requests == 42


def test_a_server_that_was_silent_for_a_moment_is_not_counted_twice() -> None:
    both = [{"m": done(100)}, {"m": done(50)}]
    seen = watched(both, [{"m": done(110)}, {}], [{"m": done(120)}, {"m": done(60)}])
    assert seen.whole()["m"].requests == 30
    assert [each.of("m").requests for each in seen.moments] == [10, 20]


def test_a_model_that_came_later_is_shown() -> None:
    seen = watched({"a": done(1)}, {"a": done(2), "b": done(5)})
    assert [row["name"] for row in seen.rows()] == ["a", "b"]


@pytest.fixture
def page() -> Any:
    """Make the page's routes for what was watched, and return a client of them."""

    def make(seen: Watched, results: dict[str, Any] | None = None, why_not: str = "") -> Any:
        app = Flask("page")
        web_ui = SimpleNamespace(app=app, template_args={}, auth_required_if_enabled=lambda f: f)
        leader: Any = SimpleNamespace(
            results=results, told=lambda: "told 1.0\n", why_not=lambda: why_not
        )
        options = SimpleNamespace(web_base_path="")
        Page(SimpleNamespace(web_ui=web_ui, parsed_options=options), seen, leader)
        app.add_url_rule("/swarm", "locust.swarm", lambda: "started", methods=["POST"])
        return app.test_client()

    return make


def test_the_last_results_are_there_once_a_run_has_ended(page: Any) -> None:
    assert page(watched()).get("/triton/results.json").status_code == 404
    assert page(watched(), {"total": 3}).get("/triton/results.json").json == {"total": 3}


def test_prometheus_reads_what_is_told(page: Any) -> None:
    answer = page(watched()).get("/tritongen/metrics")
    assert answer.text == "told 1.0\n"
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, 200), ("http://localhost", 200), ("https://evil.example", 403), ("null", 403)],
)
def test_no_other_site_starts_a_load_test(page: Any, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    assert page(watched()).post("/swarm", headers=headers).status_code == status


def test_a_load_test_that_nobody_can_send_is_not_called_started(page: Any) -> None:
    said = page(watched(), why_not="no worker is connected").post("/swarm").json
    assert said == {"success": False, "message": "no worker is connected"}
    assert page(watched()).post("/swarm").text == "started"


def test_the_charts_show_what_a_model_is_called_and_nothing_more(page: Any) -> None:
    seen = watched({EVIL: done(1)}, {EVIL: done(9, batches={1: 4, 4: 1})})
    html = page(seen).get("/triton/charts").text
    tree = ElementTree.fromstring(f"<page>{html}</page>")
    assert [each.text for each in tree.iter("h3")] == [EVIL]
    assert not list(tree.iter("b"))
    assert len(list(tree.iter("svg"))) == 3


def test_models_that_did_nothing_have_no_charts(page: Any) -> None:
    html = page(watched({"m": done(3)}, {"m": done(3)})).get("/triton/charts").text
    assert "<svg" not in html


def test_the_page_says_why_there_is_nothing_to_show(page: Any) -> None:
    html = page(watched({"m": done(3)}, f"refused {EVIL}")).get("/triton/charts").text
    assert "The server tells no statistics: refused &lt;b" in html


def test_a_server_that_answers_again_is_watched_on() -> None:
    seen = watched({"m": done(3)}, "refused", {"m": done(5)})
    assert seen.silence == ""
    assert seen.moments[-1].of("m").requests == 2
    assert seen.moments[-1].seconds == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0], [1e-9, 5e9]])
def test_lines_stay_inside_their_chart(values: list[float]) -> None:
    tree = ElementTree.fromstring(load_charts.lines("t", "ms", {"a": values, "b": values}, 1.0))
    for line in tree.iter("polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert load_charts.LEFT <= x <= load_charts.WIDTH - load_charts.RIGHT
            assert load_charts.TOP <= y <= load_charts.HEIGHT - load_charts.BOTTOM


@pytest.mark.parametrize("counts", [{}, {1: 1}, {1: 10**9, 64: 1}, {1000: 5}])
def test_columns_stay_inside_their_chart_and_are_seen(counts: dict[int, int]) -> None:
    tree = ElementTree.fromstring(load_charts.columns("t", "rows", counts))
    columns = list(tree.iter("rect"))
    assert len(columns) == len(counts)
    for column in columns:
        assert float(column.attrib["height"]) >= 1
        right = float(column.attrib["x"]) + float(column.attrib["width"])
        assert load_charts.LEFT <= right <= load_charts.WIDTH - load_charts.RIGHT
    labels = [each.text or "" for each in tree.iter("text")]
    assert len(labels) <= 3 + 10
