"""A disk that is full when a load test's results are to be written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.load_cli.conftest import Project

Mount = Callable[..., Path]

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]


def small_disk(mount: Mount, path: Path, left: int) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    mount(path, "-t", "tmpfs", "-o", "size=256k", "tmpfs")
    (path / "filler").write_bytes(bytes(256 * 1024 - left))
    return path


def test_what_was_measured_is_shown_where_it_can_not_be_kept(served: Project, mount: Mount) -> None:
    folder = small_disk(mount, served.folder / ".tritongen" / "results", left=4096)

    done = served.load("quiet")

    assert done.code == 9
    assert "the result can't be written" in done.err
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err
    assert "add" in done.out
    assert "p99" in done.out
    assert [path.name for path in folder.iterdir()] == ["filler"]


def test_a_program_that_can_not_write_says_so_and_leaves_no_half(
    served: Project, mount: Mount
) -> None:
    folder = small_disk(mount, served.folder / ".tritongen" / "load", left=12 * 1024)

    done = served.load("quiet")

    assert done.code == 9, done.err
    assert "make room" in done.err
    assert "Traceback" not in done.err
    assert not list(folder.rglob("results.json"))
