"""HAProxy, of this machine or out of Debian's packages, and Tritons behind it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from tests.integration.compose import debian
from tests.integration.gateway.fleet import Fleet, Gateway, gateway, installed, serving

Start = Callable[..., AbstractContextManager[Gateway]]
"""``start({"rate_limit": "1/s"}, api_keys=FILE)``: a gateway as ``stack.gateway.haproxy`` says."""


@pytest.fixture(scope="package")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How HAProxy is run: that of this machine, else in CI that of the stack's image, 3.0."""
    if found := installed():
        return found
    if os.environ.get("CI") != "true" or os.geteuid() != 0:
        pytest.skip("NOT TESTED in front of Triton: no haproxy; `make tools` installs it")
    folder = tmp_path_factory.mktemp("debian")
    debian.suites(folder, "trixie")["trixie"].unpack(["haproxy"], folder / "root")
    libraries = folder / "root" / "usr" / "lib" / "x86_64-linux-gnu"
    loader = [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries)]
    return [*loader, str(folder / "root" / "usr" / "sbin" / "haproxy")]


@pytest.fixture(scope="package")
def fleet(program: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two Tritons that no test ends."""
    with serving(tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


@pytest.fixture(scope="package")
def start(program: list[str], fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Start:
    return partial(_start, program, fleet, tmp_path_factory)


def _start(
    program: list[str],
    fleet: Fleet,
    folders: pytest.TempPathFactory,
    said: dict[str, Any] | None = None,
    **secrets: str,
) -> AbstractContextManager[Gateway]:
    return gateway(program, fleet, folders.mktemp("gateway"), said or {}, secrets)


@pytest.fixture(scope="package")
def plain(start: Start) -> Iterator[Gateway]:
    """The gateway that is rendered where nothing is said."""
    with start() as gateway:
        yield gateway


@pytest.fixture(scope="package")
def open_statistics(start: Start) -> Iterator[Gateway]:
    with start({"statistics": True}) as gateway:
        yield gateway
