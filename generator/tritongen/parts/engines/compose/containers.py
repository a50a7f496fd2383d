"""The containers of a stack, as Docker tells of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tritongen.parts.engines.compose.docker import Docker

LABEL = "com.docker.compose."

Mood = Literal["ready", "starting", "broken", "stopped"]


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of the stack's.

    ``state`` is Docker's word (created, running, restarting, exited, ...), ``health`` too (empty
    without a health check). ``exit_code`` is of the last end, ``restarts`` counts the engine's own.
    ``ports`` maps a port inside to where it is published, ``host:port``; ``addresses`` a network
    (as the compose file calls it) to the address there. ``config`` changes with its definition in
    the compose file. ``said`` is what the last health check wrote, ``refused`` why the engine
    could not start it. ``mounts`` are the paths inside that come from outside.
    """

    id: str
    name: str
    project: str
    service: str
    number: int
    image: str
    state: str
    health: str
    exit_code: int
    out_of_memory: bool
    restarts: int
    ports: Mapping[int, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    said: str = ""
    refused: str = ""
    mounts: frozenset[str] = frozenset()

    @property
    def mood(self) -> Mood:
        """How it is, in one word."""
        if self.state == "running":
            return {"starting": "starting", "unhealthy": "broken"}.get(self.health, "ready")  # type: ignore[return-value]
        if self.state in {"restarting", "dead"} or self.refused:
            return "broken"
        if self.state == "created":
            return "starting"
        return "broken" if self.exit_code or self.out_of_memory else "stopped"


def containers(docker: Docker) -> tuple[Container, ...]:
    """Return the containers of the folder's stack, running or not, by service and number.

    They are known by the folder that Compose noted on them: its file may ask for variables that
    are only set where the stack is started.
    """
    folders = {str(docker.root), str(docker.root.resolve())}
    words = ("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={LABEL}oneoff=False")
    ids = [
        each
        for folder in sorted(folders)
        for each in docker.ask(
            *words, "--filter", f"label={LABEL}project.working_dir={folder}"
        ).split()
    ]
    found = [container(row) for row in docker.inspect("container", ids)]
    return tuple(sorted(found, key=lambda each: (each.service, each.number)))


def container(row: Mapping[str, Any]) -> Container:
    """Return a container from what ``docker inspect`` says."""
    labels, state = row["Config"].get("Labels") or {}, row["State"]
    health = state.get("Health") or {}
    checks = health.get("Log") or [{}]
    project = labels.get(f"{LABEL}project", "")
    networks = row["NetworkSettings"].get("Networks") or {}
    return Container(
        id=row["Id"],
        name=row["Name"].removeprefix("/"),
        project=project,
        service=labels.get(f"{LABEL}service", ""),
        number=int(labels.get(f"{LABEL}container-number", 0)),
        image=row["Config"].get("Image", ""),
        state=state["Status"],
        health=health.get("Status", "").replace("none", ""),
        exit_code=state["ExitCode"],
        out_of_memory=state["OOMKilled"],
        restarts=row.get("RestartCount", 0),
        ports=dict(_published(row["NetworkSettings"].get("Ports") or {})),
        addresses={
            name.removeprefix(f"{project}_"): network.get("IPAddress", "")
            for name, network in networks.items()
        },
        config=labels.get(f"{LABEL}config-hash", ""),
        said=(checks[-1].get("Output") or "").strip(),
        refused=state.get("Error", ""),
        mounts=frozenset(each.get("Destination", "") for each in row.get("Mounts") or ()),
    )


def _published(ports: Mapping[str, Any]) -> Sequence[tuple[int, str]]:
    return [
        (int(inside.partition("/")[0]), f"{_host(where[0]['HostIp'])}:{where[0]['HostPort']}")
        for inside, where in ports.items()
        if where
    ]


def _host(address: str) -> str:
    """Return where what listens at an address can be reached from its own machine."""
    local = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1", "": "127.0.0.1"}  # noqa: S104
    address = local.get(address, address)
    return f"[{address}]" if ":" in address else address


def of_service(found: Sequence[Container], service: str) -> tuple[Container, ...]:
    """Return the containers of one service."""
    return tuple(each for each in found if each.service == service)
