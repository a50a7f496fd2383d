"""A stack of two replicas whose models are controlled explicitly, with a key."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.compose.engine import Engine
from tests.integration.compose.project import Project
from tests.integration.compose.replicas.conftest import FIRST_REQUEST

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def control(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Its stack, up and healthy."""
    folder = tmp_path_factory.mktemp("clone") / "control"
    (folder / "steps").mkdir(parents=True)
    shutil.copy(HERE / "spec.yaml", folder)
    shutil.copy(HERE.parent / "replicas" / "grow.py", folder / "steps")
    keyed = Engine({**engine.environment, "ADMIN_KEY": "sesame"}, engine.log)
    project = Project(keyed, folder)
    with project.running("grow", FIRST_REQUEST):
        project.tritongen("rollout")  # replicas that others started are replaced once
        yield project
