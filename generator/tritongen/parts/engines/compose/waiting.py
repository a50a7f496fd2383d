"""Waits until every container of a stack is well, or says which will not be, and why."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tritongen.errors import EngineError, TritongenError
from tritongen.parts.engines.compose.containers import Container, containers
from tritongen.parts.engines.compose.definition import Service
from tritongen.parts.engines.compose.docker import Docker
from tritongen.parts.engines.compose.reasons import broken, log_of, progress_of
from tritongen.parts.engines.compose.refusals import refusal
from tritongen.parts.engines.log import text_of
from tritongen.parts.engines.runfolder import RunFolder
from tritongen.records.stack import TRITON
from tritongen.shell import Process

EVERY_S = 0.7
RESTARTS = 2
"""A container may fail once, as long as what it needs is not there yet; not twice."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is to be seen while a stack starts: what is being done, and how each container is.

    ``loading`` says of a container of Triton's how many models are ready, of how many.
    """

    doing: str
    containers: Sequence[Container] = ()
    loading: Mapping[str, tuple[int, int]] = field(default_factory=dict)


Watch = Callable[[Scene], None]


def wait_until_well(
    docker: Docker,
    services: Mapping[str, Service],
    starting: Process,
    folder: RunFolder,
    *,
    timeout_s: float,
    watch: Watch,
) -> tuple[Container, ...]:
    """Return the containers once all are well.

    ``starting`` is the `docker compose up` that makes them. Raises ``EngineError`` for a container
    that fails and when nothing happens for ``timeout_s``, and what ``refusal`` reads from what
    compose says if it can't go on.
    """
    moved, before = time.monotonic(), Scene(doing="")
    while True:
        ended = not starting.alive()
        found = containers(docker)
        scene = Scene(doing="starting", containers=found, loading=_loading(docker, found))
        watch(scene)
        if hopeless := [each for each in found if _hopeless(docker, each)]:
            raise broken(docker, hopeless, found)
        if ended and starting.exit_code():
            raise gave_up(docker, found, folder)
        if ended and all(_whole(service, found) for service in services.values()):
            return found
        if scene != before:
            moved, before = time.monotonic(), scene
        elif time.monotonic() - moved > timeout_s:
            raise stuck(docker, found, timeout_s)
        time.sleep(EVERY_S)


def wait_for_one(
    docker: Docker, name: str, *, timeout_s: float, show: Callable[[Container], None]
) -> Container:
    """Return a container once it is well; raise as ``wait_until_well`` does."""
    moved = time.monotonic()
    before: tuple[Container, dict[str, tuple[int, int]]] | None = None
    while True:
        found = containers(docker)
        own = [each for each in found if each.id == name]
        if not own:
            raise EngineError("a container went away while it was started", fix="start it again")
        if own[0].mood == "ready":
            return own[0]
        if _hopeless(docker, own[0]):
            raise broken(docker, own, [])
        show(own[0])
        now = (own[0], _loading(docker, own))
        if now != before:
            moved, before = time.monotonic(), now
        elif time.monotonic() - moved > timeout_s:
            raise stuck(docker, own, timeout_s)
        time.sleep(EVERY_S)


def _whole(service: Service, found: Sequence[Container]) -> bool:
    """Tell whether a service has as many containers as it should, all of them well."""
    own = [each for each in found if each.service == service.name]
    return len(own) >= service.replicas and all(each.mood == "ready" for each in own)


def _hopeless(docker: Docker, container: Container) -> bool:
    """Tell whether a container will not become well by waiting."""
    if container.mood == "ready":
        return False
    if container.refused or container.out_of_memory or container.restarts >= RESTARTS:
        return True
    if container.mood != "broken" or container.state == "running":
        return container.mood == "broken"
    if container.state == "exited":
        return True
    return container.service == TRITON and bool(progress_of(log_of(docker, container)).failed)


def _loading(docker: Docker, found: Sequence[Container]) -> dict[str, tuple[int, int]]:
    """Return how far the Tritons have come that are loading models."""
    counts = {}
    for each in found:
        if each.service == TRITON and each.mood == "starting" and each.state == "running":
            progress = progress_of(log_of(docker, each))
            total = len(progress.ready) + len(progress.loading) + len(progress.failed)
            counts[each.name] = (len(progress.ready), total)
    return counts


def gave_up(docker: Docker, found: Sequence[Container], folder: RunFolder) -> TritongenError:
    """Return why `docker compose up` ended with an error: a container's fault, or Docker's."""
    if sick := [each for each in found if each.mood == "broken"]:
        return broken(docker, sick, found)
    return refusal("docker compose up -d", text_of(compose_log(folder)))


def stuck(docker: Docker, found: Sequence[Container], timeout_s: float) -> EngineError:
    """Return the refusal when nothing happens any more."""
    waiting = [each for each in found if each.mood != "ready"]
    names = ", ".join(each.name for each in waiting) or "docker compose"
    first = min(waiting, key=lambda each: each.service != TRITON, default=None)
    loading = progress_of(log_of(docker, first)).loading if first else {}
    what = f"; {', '.join(loading)} did not finish loading" if loading else ""
    return EngineError(
        f"{names} did not become ready: nothing happened for {timeout_s:g} s{what}",
        why=f"its health check says: {first.said}" if first and first.said else "",
        fix="give it more time with --timeout, or see where it waits in the log",
        log=tuple(log_of(docker, first, 20)) if first else (),
    )


def compose_log(folder: RunFolder) -> Path:
    """Return the file of what compose said while it started the stack."""
    return folder.path / "compose.log"
