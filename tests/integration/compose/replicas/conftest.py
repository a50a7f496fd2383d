"""A stack of two replicas that can be killed, added to and rolled."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.compose.engine import Engine
from tests.integration.compose.project import Project

HERE = Path(__file__).parent
FIRST_REQUEST = {"inputs": [{"name": "x", "datatype": "INT32", "shape": [1, 1], "data": [1]}]}


@pytest.fixture(scope="package")
def replicas(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Its stack with Alertmanager, up and healthy."""
    folder = tmp_path_factory.mktemp("clone") / "replicas"
    (folder / "steps").mkdir(parents=True)
    shutil.copy(HERE / "spec.yaml", folder)
    shutil.copy(HERE / "grow.py", folder / "steps")
    project = Project(engine, folder, profiles=("alerts",))
    with project.running("grow", FIRST_REQUEST):
        yield project


def ask(project: Project, value: int) -> int:
    """Return what the model gives back for a number."""
    request = {"inputs": [{**FIRST_REQUEST["inputs"][0], "data": [value]}]}
    with project.http("gateway", 8000) as client:
        answer = client.post("/v2/models/grow/infer", json=request)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["outputs"][0]["data"][0])
