"""Brings the services around Triton to new files, as gently as each allows."""

from collections.abc import Iterator

from tritongen.parts.engines import compose
from tritongen.parts.engines.compose import Docker
from tritongen.records.manifest import Manifest
from tritongen.records.stack import (
    ALERTMANAGER,
    ALERTMANAGER_FOLDER,
    GATEWAY,
    GATEWAY_FOLDER,
    PROMETHEUS,
    PROMETHEUS_FOLDER,
)

RELOADS = (
    (GATEWAY, GATEWAY_FOLDER, "USR2"),
    (PROMETHEUS, PROMETHEUS_FOLDER, "HUP"),
    (ALERTMANAGER, ALERTMANAGER_FOLDER, "HUP"),
)
"""Services that read their files again at a signal; HAProxy's connections live on meanwhile."""

UP_S = 600.0


def settle(docker: Docker, before: Manifest, after: Manifest) -> tuple[str, ...]:
    """Reload what reads changed files, and replace containers whose definition changed.

    Returns what was reloaded or replaced.
    """
    old = {each.id: each for each in compose.containers(docker)}
    reloaded = []
    for service, folder, signal in RELOADS:
        mine = compose.of_service(tuple(old.values()), service)
        if mine and dict(_files(before, folder)) != dict(_files(after, folder)):
            docker.ask("kill", "--signal", signal, *(each.id for each in mine))
            reloaded.append(service)
    docker.compose("up", "--detach", "--remove-orphans", timeout_s=UP_S)
    new = [each.service for each in compose.containers(docker) if each.id not in old]
    return (*reloaded, *dict.fromkeys(new))


def _files(manifest: Manifest, folder: str) -> Iterator[tuple[str, str]]:
    for path, owned in manifest.files.items():
        if path.startswith(f"{folder}/"):
            yield path, owned.sha256
