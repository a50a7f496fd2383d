"""The example at the repository's root, as a user has it after `tritongen build`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.compose.engine import Engine
from tests.integration.compose.project import Project

from tritongen.triton import Triton

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="package")
def flagship(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Its stack, up and healthy."""
    folder = tmp_path_factory.mktemp("clone") / "filetype"
    folder.mkdir()
    shutil.copy(ROOT / "spec.yaml", folder)
    for name in ("steps", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    project = Project(engine, folder)
    with project.running("filetype", FIRST_REQUEST):
        yield project


FIRST_REQUEST = {
    "inputs": [{"name": "content", "datatype": "BYTES", "shape": [1, 1], "data": ["#!/bin/sh\n"]}]
}


@pytest.fixture(scope="package")
def triton(flagship: Project) -> Iterator[Triton]:
    """A client of its gateway."""
    http, grpc = flagship.address("gateway", 8000), flagship.address("gateway", 8001)
    with Triton(http=http, grpc=grpc) as client:
        yield client
