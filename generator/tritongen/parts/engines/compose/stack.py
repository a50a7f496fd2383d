"""Starts a stack with Docker Compose, finds it again, and stops it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tritongen import shell
from tritongen.errors import HostError, SpecError, TritongenError
from tritongen.parts.engines.compose.containers import Container, containers, of_service
from tritongen.parts.engines.compose.definition import Definition, definition
from tritongen.parts.engines.compose.docker import Docker
from tritongen.parts.engines.compose.refusals import refusal
from tritongen.parts.engines.compose.waiting import Scene, Watch, compose_log, wait_until_well
from tritongen.parts.engines.ports import free, owner_of
from tritongen.parts.engines.runfolder import RunFolder, run_folder
from tritongen.records.endpoint import Endpoint
from tritongen.records.paths import REPOSITORY
from tritongen.records.stack import (
    COMPOSE_FILE,
    GATEWAY,
    GATEWAY_GRPC,
    GATEWAY_HTTP,
    PROMETHEUS,
    PROMETHEUS_PORT,
    TLS_CERTIFICATE,
    TRITON,
    TRITON_METRICS,
)

PULL_S = 4 * 3600.0
BUILD_S = 3600.0
STOP_S = 600.0
CLEAR = "\x1b[2K"
"""Compose clears the line before each of a log, also where nothing can be cleared."""

MISSING = re.compile(r"[Nn]o such (?:image|object)")


@dataclass(frozen=True, kw_only=True)
class Starting:
    """Which stack to start: that of ``root``; ``timeout_s`` is how long nothing may happen."""

    root: Path
    environment: Mapping[str, str]
    timeout_s: float = 120.0


def start(this: Starting, watch: Watch = lambda scene: None) -> Endpoint:
    """Bring a built stack up and return when all of it is well.

    What runs already is left as it is unless its definition changed. Whatever goes wrong, Ctrl-C
    too, what this has started is removed again.

    Raises:
        ToolMissingError: no docker, no compose or an old one, no engine, an image that is not
            there, no GPU.
        HostError: a port is taken, the disk is full, no network to fetch an image.
        EngineError: a container fails, or nothing happens any more; says why.
        SpecError: what the compose file mounts or asks for is not there.
    """
    docker = Docker(this.root.absolute(), this.environment)
    watch(Scene(doing="asking Docker"))
    docker.check()
    folder = run_folder(this.root)
    with folder.locked():
        said = definition(docker)
        before = containers(docker)
        check_ports(said, before)
        with undone(docker, before, folder):
            prepare(docker, watch)
            process = shell.start(
                ["/usr/bin/env", "docker", "compose", "up", "--detach", "--remove-orphans"],
                environment={**this.environment, "COMPOSE_PROGRESS": "plain"},
                folder=docker.root,
                log=compose_log(folder),
                tied=True,
            )
            try:
                found = wait_until_well(
                    docker, said.services, process, folder, timeout_s=this.timeout_s, watch=watch
                )
            finally:
                process.end(10)
    return endpoint(this.root, found)


@contextmanager
def undone(docker: Docker, before: Sequence[Container], folder: RunFolder) -> Iterator[None]:
    """Remove what was started inside if it ends with an error, or is interrupted."""
    compose_log(folder).unlink(missing_ok=True)
    try:
        yield
    except BaseException:
        with suppress(TritongenError):  # what went wrong first is what is told
            keep_logs(docker, folder)
            if any(each.state == "running" for each in before):
                kept = {each.id for each in before}
                new = [each.id for each in containers(docker) if each.id not in kept]
                docker.run("rm", "--force", *new, timeout_s=STOP_S)
            else:
                docker.compose("down", "--remove-orphans", "--timeout", "5", timeout_s=STOP_S)
        raise


def keep_logs(docker: Docker, folder: RunFolder) -> None:
    """Write down what the containers wrote: it goes with them."""
    text = docker.compose("logs", "--no-color", timeout_s=STOP_S)
    folder.log.write_text(text.replace(CLEAR, ""), "utf-8")


def check_ports(said: Definition, running: Sequence[Container]) -> None:
    """Raise ``HostError`` if another program has a port that the stack is to be published at."""
    own = {int(where.rpartition(":")[2]) for each in running for where in each.ports.values()}
    for service in said.services.values():
        for host, port in service.ports:
            if port not in own and not free(host or "0.0.0.0", port):  # noqa: S104, as Docker
                owner = owner_of(port)
                raise HostError(
                    f"port {port} of {service.name} is taken" + (f" by {owner}" if owner else ""),
                    fix="stop that program, or say another port in the spec: stack: {ports: ...}",
                )


def prepare(docker: Docker, watch: Watch = lambda scene: None) -> None:
    """Have all images here: pull those that are missing, build those that are made here."""
    said = definition(docker)
    fetch(docker, said, watch)
    build(docker, said, run_folder(docker.root), watch)


def fetch(docker: Docker, said: Definition, watch: Watch) -> None:
    """Pull the images that are not here, one after the other, so that it is clear which fails."""
    needed = dict.fromkeys(each.image for each in said.services.values() if not each.built)
    for image in needed:
        if missing(docker, image):
            watch(Scene(doing=f"pulling {image}"))
            pull(docker, image)


def missing(docker: Docker, image: str) -> bool:
    """Tell whether an image is not on this machine."""
    ran = docker.run("image", "inspect", "--format", "{{.Id}}", image)
    return ran.code != 0 and MISSING.search(ran.err) is not None


def pull(docker: Docker, image: str) -> None:
    """Pull an image; what goes wrong names it."""
    try:
        docker.ask("pull", "--quiet", image, timeout_s=PULL_S)
    except TritongenError as error:
        error.message = f"the image {image} is not here and can't be pulled: {error.message}"
        raise


def build(
    docker: Docker, said: Definition, folder: RunFolder, watch: Watch = lambda scene: None
) -> None:
    """Build the images that are made here; their tags tell whether they are as they should be."""
    images = {each.image: each.name for each in said.services.values() if each.built}
    names = [name for image, name in images.items() if missing(docker, image)]
    if not names:
        return
    watch(Scene(doing=f"building the image of {', '.join(names)}"))
    ran = docker.run("compose", "build", *names, timeout_s=BUILD_S)
    compose_log(folder).write_text(ran.out + ran.err, "utf-8")
    if ran.code:
        # One builder writes what failed here, the other there.
        raise refusal("docker compose build", ran.out + ran.err)


def running(root: Path, environment: Mapping[str, str]) -> tuple[Container, ...]:
    """Return the containers of a folder's stack; none if it has no compose file."""
    if not (root / COMPOSE_FILE).is_file():
        return ()
    return containers(Docker(root.absolute(), environment))


def add(docker: Docker, service: str, count: int) -> tuple[Container, ...]:
    """Make new containers of a service until it has so many, and return them, started.

    Those that are there stay as they are, whatever the compose file says by now.
    """
    before = {each.id for each in containers(docker)}
    words = ("--no-deps", "--no-recreate", "--scale", f"{service}={count}", service)
    docker.compose("up", "--detach", *words, timeout_s=STOP_S)
    found = of_service(containers(docker), service)
    return tuple(each for each in found if each.id not in before)


def remove(docker: Docker, container: Container, grace_s: int) -> None:
    """Stop a container, so that it answers what it has, and remove it."""
    docker.ask("stop", "--time", str(grace_s), container.id, timeout_s=grace_s + STOP_S)
    docker.ask("rm", "--force", container.id)


def config_of(docker: Docker, service: str) -> str:
    """Return what a container's ``config`` would be if it were made now."""
    said = docker.compose("config", "--hash", service).split()
    return said[1] if len(said) > 1 else ""


def down_by_name(docker: Docker, projects: set[str]) -> None:
    """Stop projects without their file, which asks for a variable that is not set here."""
    environment = {key: value for key, value in docker.environment.items() if key != "COMPOSE_FILE"}
    elsewhere = Docker(Path("/"), environment)
    for project in projects:
        elsewhere.compose("--project-name", project, "down", timeout_s=STOP_S)


@dataclass(frozen=True)
class Compose:
    """The Docker that an environment says, as an engine."""

    environment: Mapping[str, str]

    def find(self, root: Path) -> Endpoint | None:
        """Return the stack that runs for ``root``, if one does."""
        found = running(root, self.environment)
        return endpoint(root, found) if any(each.state == "running" for each in found) else None

    def stop(self, endpoint: Endpoint) -> bool:
        """Stop a stack and remove its containers and networks; what it stored (volumes) stays.

        The gateway goes first and answers what it has accepted.
        """
        folder = RunFolder(Path(endpoint.log).parent)
        docker = Docker(folder.path.parent.parent, self.environment)
        folder.path.mkdir(parents=True, exist_ok=True)
        with suppress(TritongenError):  # to stop it matters more
            keep_logs(docker, folder)
        found = containers(docker)
        try:
            docker.compose("down", "--remove-orphans", timeout_s=STOP_S)
        except SpecError:
            down_by_name(docker, {each.project for each in found})
        return True


def endpoint(root: Path, found: Sequence[Container]) -> Endpoint:
    """Return where a stack answers: at its gateway, or at Triton if it has none.

    With a certificate there, the addresses begin with ``https://`` and ``grpcs://``.
    """
    front = of_service(found, GATEWAY) or of_service(found, TRITON)
    ports = {port: where for each in front for port, where in each.ports.items()}
    secure = any(TLS_CERTIFICATE in each.mounts for each in front)
    http, grpc = ports.get(GATEWAY_HTTP, ""), ports.get(GATEWAY_GRPC, "")
    prometheus = of_service(found, PROMETHEUS)
    at = prometheus[0].ports.get(PROMETHEUS_PORT, "") if prometheus else ""
    return Endpoint(
        engine="compose",
        http=f"https://{http}" if http and secure else http,
        grpc=f"grpcs://{grpc}" if grpc and secure else grpc,
        metrics=ports.get(TRITON_METRICS, ""),
        repository=str((root / REPOSITORY).resolve()),
        log=str(run_folder(root).log),
        pid=0,
        started=0,
        prometheus=f"http://{at}" if at else "",
    )
