"""What the compose file says, after its variables and overrides: as Docker resolves it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tritongen.parts.engines.compose.docker import Docker


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service that starts with the stack; ``ports`` are (address, port) on this machine.

    ``built``: its image is made here, from ``compose/``.
    """

    name: str
    image: str
    built: bool
    replicas: int
    ports: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """The stack's name and its services, those of profiles that are not active left out."""

    project: str
    services: Mapping[str, Service]


def definition(docker: Docker, *profiles: str) -> Definition:
    """Return what the compose file of the folder says, with the services of these profiles, too."""
    active = [f"--profile={name}" for name in profiles]
    said = json.loads(docker.compose(*active, "config", "--format", "json"))
    return Definition(
        project=said["name"],
        services={name: service(said["name"], name, row) for name, row in said["services"].items()},
    )


def service(project: str, name: str, row: Mapping[str, Any]) -> Service:
    """Return a service from what ``docker compose config`` says."""
    replicas = row.get("scale", (row.get("deploy") or {}).get("replicas", 1))
    return Service(
        name=name,
        image=row.get("image") or f"{project}-{name}",
        built=bool(row.get("build")),
        replicas=int(replicas),
        ports=tuple(
            (port.get("host_ip", ""), int(port["published"]))
            for port in row.get("ports", ())
            if port.get("published", "").isdigit()
        ),
    )
