"""Dashboards are what Grafana's own types say, by TypeScript's compiler and Grafana's SDK.

They can't be opened here: Grafana's server is in no package registry.
"""

import copy
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.npm import installed
from tests.unit.grafana.plans import everything

from tritongen.parts.targets.grafana import render
from tritongen.records.tree import Text

FOLDER = Path(__file__).parent
KINDS = {"bargauge": "Bars", "timeseries": "Lines", "table": "Table", "stat": "Tiles", "row": "Row"}

pytest.importorskip("grafana_foundation_sdk", reason="NOT TESTED: needs Python 3.11")


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All dashboards that a plan can have."""
    entries = render(everything(tmp_path_factory.mktemp("plan")))
    return {
        Path(path).stem: json.loads(entry.text)
        for path, entry in entries.items()
        if isinstance(entry, Text) and path.endswith(".json")
    }


Compile = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Return what TypeScript complains of in dashboards."""
    modules, node = installed(FOLDER), shutil.which("node")

    def complain(boards: dict[str, Any]) -> str:
        folder = tmp_path_factory.mktemp("types")
        (folder / "node_modules").symlink_to(modules)
        shutil.copy(FOLDER / "types.ts", folder)
        names = ", ".join(sorted({*KINDS.values(), "Whole"}))
        lines = [f"import type {{ {names} }} from './types';", *constants(boards)]
        (folder / "boards.ts").write_text("\n".join(lines))
        options = ["--noEmit", "--strict", "--skipLibCheck", "--moduleResolution", "node"]
        words = [str(node), str(modules / "typescript" / "bin" / "tsc"), *options, "boards.ts"]
        run = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        return run.stdout + run.stderr

    return complain


def constants(boards: dict[str, Any]) -> Iterator[str]:
    """Yield a constant of Grafana's type for each dashboard and each of its panels."""
    for number, board in enumerate(boards.values()):
        whole = {key: value for key, value in board.items() if key != "panels"}
        yield f"export const board{number}: Whole = {json.dumps(whole)};"
        for panel in board["panels"]:
            inner = panel.get("panels", [])
            row = {**panel, "panels": []} if panel["type"] == "row" else panel
            for each in (row, *inner):
                name = f"panel{number}_{each['id']}"
                yield f"export const {name}: {KINDS[each['type']]} = {json.dumps(each)};"


def test_the_types_fit(boards: dict[str, Any], compiled: Compile) -> None:
    assert len(boards) == 6
    assert compiled(boards) == ""


WRONG = {
    ("fieldConfig", "defaults", "unit"): (3, "'number' is not assignable to type 'string'"),
    ("options", "graphMode"): ("sparkle", '"sparkle"'),
    ("gridPos", "w"): ("wide", "'string' is not assignable to type 'number'"),
    ("options", "grafMode"): ("area", "grafMode"),
    ("targets", 0, "legendformat"): ("{{model}}", "legendformat"),
}


def test_wrong_types_and_misspelt_keys_are_seen(boards: dict[str, Any], compiled: Compile) -> None:
    wrong = {}
    for path, (value, _) in WRONG.items():
        first = boards["overview"]["panels"][:1]
        board = copy.deepcopy({**boards["overview"], "panels": first})
        wrong[str(path)], place = board, board["panels"][0]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    found = compiled(wrong)
    assert found.count("error TS") == len(WRONG)
    for _, complaint in WRONG.values():
        assert complaint in found


def read_back(board: dict[str, Any]) -> Any:
    """Return what the SDK makes of a dashboard that it reads: it drops what it does not know."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(board)))


def test_the_sdk_reads_back_what_it_wrote(boards: dict[str, Any]) -> None:
    for name, board in boards.items():
        assert read_back(board) == board, name


@pytest.mark.parametrize("path", [("fieldConfig", "defaults", "unti"), ("options", "grafMode")])
def test_the_sdk_drops_a_misspelt_key(boards: dict[str, Any], path: tuple[str, ...]) -> None:
    board = copy.deepcopy(boards["overview"])
    place = board["panels"][0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "s"
    assert read_back(board) != board
