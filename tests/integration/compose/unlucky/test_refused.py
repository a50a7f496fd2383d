"""A stack that can't be started says why, and leaves nothing half-started behind."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.compose.engine import Engine
from tests.integration.compose.project import TRITONGEN, Project, build_images

SPEC = """
tritongen: 1
name: unlucky
models:
  same:
    python: step.py:same
    input: {x: "INT32[1]"}
    output: {y: "INT32[1]"}
    max_batch_size: 4
"""
STEP = """
def same(x):
    return {"y": x}
"""
ONLY_THE_LAST_FAILS = """
import socket
import time


def is_last():
    own = socket.gethostbyname(socket.gethostname())
    for _ in range(300):
        found = {each[4][0] for each in socket.getaddrinfo("triton", 80, socket.AF_INET)}
        if len(found) == 2:
            return own == max(found)
        time.sleep(0.1)
    raise TimeoutError("the other did not come")


if is_last():
    raise RuntimeError("this one has no luck")
"""
Write = Callable[..., Project]


@pytest.fixture
def write(engine: Engine, tmp_path: Path) -> Iterator[Write]:
    """Make a project of a step and the settings of its stack; remove it at the end."""
    folder = tmp_path / "unlucky"
    folder.mkdir()
    project = Project(engine, folder)

    def make(step: str = STEP, build: bool = True, **stack: object) -> Project:
        (folder / "step.py").write_text(step)
        # JSON is YAML.
        (folder / "spec.yaml").write_text(f"{SPEC}\nstack: {json.dumps(stack)}\n")
        if build:
            project.tritongen("build")
            build_images(project)
        return project

    yield make
    if (folder / "docker-compose.yml").exists():
        project.down()


def refused(project: Project, code: int) -> str:
    """Return what `up` complains of: with this exit code, and nothing of it is left."""
    done = project.run([TRITONGEN, "up", "--engine", "compose"])
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    left = ("--all", "--quiet", "--filter", f"label=com.docker.compose.project={project.name}")
    assert project.engine.docker("ps", *left) == ""
    assert project.engine.docker("network", "ls", "--quiet", *left[2:]) == ""
    return done.stderr


def test_a_port_that_is_taken(write: Write) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(write(ports={"http": port}), 9)
    assert f"port {port} of gateway is taken by" in said
    assert "stack: {ports: ...}" in said


def test_an_image_that_is_not_there_and_cannot_be_fetched(write: Write) -> None:
    nowhere = "127.0.0.1:9/tritonserver:24.10-py3"
    said = refused(write(images={"triton": nowhere}, build=False), 9)
    assert f"the image {nowhere} is not here and can't be pulled" in said


def test_a_model_that_fails_in_one_replica_only(write: Write) -> None:
    said = refused(write(ONLY_THE_LAST_FAILS + STEP, replicas=2), 6)
    assert "1 model did not load in unlucky-triton-" in said
    assert "this one has no luck" in said


def test_an_engine_that_does_not_run(write: Write) -> None:
    project = write(build=False)
    gone = Engine(
        {**project.engine.environment, "DOCKER_HOST": "unix:///nowhere.sock"}, project.engine.log
    )
    done = Project(gone, project.folder).run([TRITONGEN, "up", "--engine", "compose"])
    assert done.returncode == 5
    assert "the Docker engine is not running" in done.stderr
