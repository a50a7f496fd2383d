"""What the dashboards hold: every panel whole, every query about something that there is."""

import json
import re
import shutil
import subprocess
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.dashboards import annotations, dashboards, filled, panels, queries
from tests.unit.grafana.plans import everything, planned

from tritongen.errors import ToolMissingError
from tritongen.parts.targets import TARGETS
from tritongen.parts.targets.grafana import draw, pages, render
from tritongen.parts.targets.grafana.page import uid
from tritongen.records.metrics import FACTS, metrics, recorded
from tritongen.records.monitoring import parts
from tritongen.records.plan import Plan
from tritongen.records.tree import Text

SERIES = re.compile(
    r"\b(?:nv|tritongen|haproxy|loadtest)_\w+|\btritongen:\w+:\w+|\bup\b|\bALERTS\b"
)
SUFFIX = re.compile(r"_(bucket|count|sum)$")
VARIABLES = {"model": "plain", "replica": ".+", "loadtest": ".+"}
LITTLE: dict[str, Any] = {"stack": {"gateway": "none"}}


@pytest.fixture(params=["everything", "little", "old"])
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> Plan:
    """Plans with all that there are panels for, with one model, and for an old Triton."""
    if request.param == "little":
        one = {"m": {"python": "s.py:run", "input": {"x": "FP32[1]"}, "output": {"y": "FP32[1]"}}}
        return planned(tmp_path, models=one, **LITTLE)
    return everything(tmp_path, **({"triton": "23.12"} if request.param == "old" else {}))


@pytest.fixture
def root(plan: Plan, tmp_path: Path) -> Path:
    """A folder with what is rendered."""
    return written(plan, tmp_path / "out")


def written(plan: Plan, folder: Path) -> Path:
    for name in ("grafana", "prometheus"):
        for path, entry in TARGETS[name].render(plan).items():
            assert isinstance(entry, Text)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(entry.text, "utf-8")
    return folder


def told() -> set[str]:
    """Return the names of what load tests tell Prometheus."""
    program = files("tritongen.runtime").joinpath("load", "load_metrics.py").read_text("utf-8")
    table = program[program.index("HELP = {") : program.index("}", program.index("HELP = {"))]
    return {f"loadtest_{name}" for name in re.findall(r'^    "(\w+)":', table, re.MULTILINE)}


def test_every_panel_says_what_it_shows_and_in_what_unit(root: Path) -> None:
    for name, board in dashboards(root).items():
        titles = Counter((row, panel["title"]) for row, panel in panels(board))
        assert max(titles.values()) == 1, titles.most_common(2)
        for _, panel in panels(board):
            assert panel["title"], name
            assert re.fullmatch(r"[A-Zp].{20,}\.", panel["description"]), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert panel["targets"], panel["title"]


def test_panels_fill_the_grid_and_do_not_cover_each_other(root: Path) -> None:
    for name, board in dashboards(root).items():
        taken: set[tuple[int, int]] = set()
        shown = [
            *board["panels"],
            *(each for row in board["panels"] for each in row.get("panels", ())),
        ]
        for panel in shown:
            at = panel["gridPos"]
            assert 0 <= at["x"] < at["x"] + at["w"] <= 24, (name, panel["title"])
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, (name, panel["title"])
            taken |= cells
        numbers = [panel["id"] for panel in shown]
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), name


def test_rows_of_tiles_and_of_a_model_are_as_wide_as_the_page(root: Path) -> None:
    for name, board in dashboards(root).items():
        tiles = [panel for row, panel in panels(board) if not row and panel["type"] == "stat"]
        assert sum(panel["gridPos"]["w"] for panel in tiles) in (0, 24), name


def test_queries_ask_for_what_the_release_and_the_rules_give(plan: Plan, root: Path) -> None:
    known = {rule.name for rule in recorded(parts(plan))} | set(FACTS) | {"ALERTS"}
    known |= told() if plan.loadtests else set()
    for metric in metrics().values():
        if metric.lacks(plan.release) is None and metric.needs in (None, *parts(plan)):
            known.add(metric.name)
    for shown in (*queries(root), *annotations(root)):
        for name in SERIES.findall(shown.expr):
            assert name in known or SUFFIX.sub("", name) in known, (shown.dashboard, name)


def test_prometheus_can_read_every_query(root: Path, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("NOT TESTED: no promtool (Debian: apt-get install prometheus)")
    exprs = [filled(each.expr, VARIABLES) for each in (*queries(root), *annotations(root))]
    rules = [{"record": f"query:{i}", "expr": expr} for i, expr in enumerate(exprs)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_variable_in_a_query_can_be_chosen(root: Path) -> None:
    for name, board in dashboards(root).items():
        offered = {each["name"] for each in board["templating"].get("list", ())}
        used = {v for shown in queries(root) if shown.dashboard == name for v in shown.variables}
        assert used == offered, name


def test_pages_are_there_for_what_there_is(tmp_path: Path) -> None:
    def names(**said: Any) -> list[str]:
        return [page.name for page in pages(everything(tmp_path, **said))]

    assert names() == [
        *("overview", "model", "ensemble-chain", "gateway", "machine", "loadtests"),
    ]
    assert "gateway" not in names(**LITTLE)
    assert "loadtests" not in names(loadtests={})
    assert "ensemble-chain" not in names(ensembles={}, slo={}, loadtests={})


def test_gpus_are_shown_where_there_are_some(tmp_path: Path) -> None:
    def shows_gpus(gpus: str) -> bool:
        plan = everything(tmp_path, stack={"gpus": gpus})
        return any("nv_gpu" in each.expr for each in queries(written(plan, tmp_path / gpus)))

    assert shows_gpus("all")
    assert not shows_gpus("none")


def test_objectives_are_limits_in_pictures(tmp_path: Path) -> None:
    board = dashboards(written(everything(tmp_path), tmp_path / "out"))["overview"]
    (latency,) = [
        panel
        for row, panel in panels(board)
        if row.startswith("chain") and panel["title"] == "Latency"
    ]
    steps = latency["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [None, 0.05, 0.1]
    assert latency["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    tiles = {panel["title"]: panel for _, panel in panels(board)}
    failed = tiles["Failed"]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert failed[1]["value"] == 0.001


def test_a_name_with_a_dot_is_no_pattern(tmp_path: Path) -> None:
    root = written(everything(tmp_path, **LITTLE), tmp_path / "out")
    matched = [each.expr for each in queries(root) if 'model=~"' in each.expr]
    assert any("Twice[.]2" in expr for expr in matched)
    assert not any("Twice.2" in expr for expr in matched)


def test_a_page_leads_to_another_that_is_there(tmp_path: Path) -> None:
    root = written(everything(tmp_path), tmp_path / "out")
    boards = dashboards(root)
    uids = {board["uid"] for board in boards.values()}
    assert len(uids) == len(boards)
    links = re.findall(r"/d/([\w-]+)", json.dumps(boards))
    assert links
    assert set(links) <= uids


def test_uids_are_what_grafana_takes() -> None:
    names = [
        "overview",
        "ensemble-a.b",
        "ensemble-a-b",
        f"ensemble-{'x' * 60}",
        f"ensemble-{'x' * 61}",
    ]
    found = [uid(name) for name in names]
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,40}", each) for each in found)
    assert len(set(found)) == len(found)


def test_grafana_asks_as_often_as_prometheus_scrapes(tmp_path: Path) -> None:
    root = written(everything(tmp_path), tmp_path / "out")
    scraped = yaml.safe_load((root / "compose" / "prometheus" / "prometheus.yml").read_text())
    folder = root / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    used = {
        each["datasource"]["uid"]
        for board in dashboards(root).values()
        for _, panel in panels(board)
        for each in (panel, *panel["targets"])
    }
    assert used == {source["uid"]}


def test_a_missing_sdk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "find_spec", lambda name: None)
    with pytest.raises(ToolMissingError, match="Grafana's SDK"):
        render(everything(tmp_path))
