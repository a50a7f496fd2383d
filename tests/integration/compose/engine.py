"""A Docker engine of the tests' own: own socket, data and programs, ended by its pid."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.compose import debian

LIBRARIES = "usr/lib/x86_64-linux-gnu"
START_S = 60
ENGINE = ("docker.io", "containerd", "runc", "tini", "iptables")
COMPOSE = "docker-compose"
"""Compose v2; the suite before has version 1 under this name."""


@dataclass(frozen=True)
class Engine:
    """What `docker` needs in its environment to reach the engine and nothing else."""

    environment: Mapping[str, str]
    log: Path

    def docker(self, *words: str, folder: Path | None = None, timeout_s: float = 300) -> str:
        """Return what a command printed; fail with what it complained of."""
        done = self.try_docker(*words, folder=folder, timeout_s=timeout_s)
        assert done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def try_docker(
        self, *words: str, folder: Path | None = None, timeout_s: float = 300
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command that may fail."""
        return subprocess.run(
            [self.program, *words],
            env=dict(self.environment),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    @property
    def program(self) -> str:
        """The `docker` that came with the engine."""
        found = shutil.which("docker", path=self.environment["PATH"])
        assert found
        return found


def why_not() -> str | None:
    """Say why no engine may or can be started here; ``None`` if one can."""
    system = Path("/etc/os-release").read_text()
    if os.environ.get("CI") != "true":
        return "CI is not `true`: an engine of the tests' own is started on CI's machines only"
    if os.geteuid() != 0:
        return "only root can start a Docker engine"
    if "VERSION_CODENAME=bookworm" not in system:
        return "the engine and the images are made from packages of Debian 12"
    networks = {name for _, name in socket.if_nameindex()}
    if "docker0" in networks or Path("/run/containerd/containerd.sock").exists():
        return "another Docker engine runs here, which is not touched"
    return None


def unpack(bookworm: debian.Suite, trixie: debian.Suite, root: Path) -> None:
    """Lay out the engine, its command and Compose in ``root``."""
    bookworm.unpack(ENGINE, root, debian.HERE)
    trixie.unpack([COMPOSE], root, debian.HERE)
    for name in ("iptables", "ip6tables"):
        (root / "usr" / "bin" / name).symlink_to(f"../sbin/{name}-nft")
    plugins = root / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(root / "usr/libexec/docker/cli-plugins/docker-compose")


@contextmanager
def engine(root: Path, folder: Path) -> Iterator[Engine]:
    """Run the engine that lies in ``root`` with its data in ``folder``; leave nothing of it."""
    folder.mkdir()
    address = f"unix://{folder}/docker.sock"
    own = {
        "PATH": f"{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}",
        "DOCKER_HOST": address,
        "DOCKER_CONFIG": str(root / "config"),
        "DOCKER_BUILDKIT": "0",
    }
    needs = {
        "LD_LIBRARY_PATH": str(root / LIBRARIES),
        "XTABLES_LIBDIR": str(root / LIBRARIES / "xtables"),
    }
    command = [
        str(root / "usr/sbin/dockerd"),
        f"--host={address}",
        f"--data-root={folder}/data",
        f"--exec-root={folder}/run",
        f"--pidfile={folder}/dockerd.pid",
        "--group=root",
    ]
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **own, **needs},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        running = Engine({**os.environ, **own}, log)
        _wait(running, process)
        try:
            yield running
        finally:
            _empty(running)
    finally:
        _end(process, folder)


def _wait(running: Engine, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_S
    while running.try_docker("version").returncode:
        assert process.poll() is None, running.log.read_text()[-4000:]
        assert time.monotonic() < end, running.log.read_text()[-4000:]
        time.sleep(0.2)


def _empty(running: Engine) -> None:
    """Remove containers and networks: bridges and rules of the kernel outlive the engine."""
    if containers := running.docker("ps", "--all", "--quiet").split():
        running.docker("rm", "--force", "--volumes", *containers)
    running.docker("network", "prune", "--force")


def _end(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    subprocess.run(["ip", "link", "delete", "docker0"], check=False, capture_output=True)
    for mount in _mounts(folder):
        subprocess.run(["umount", "--lazy", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _mounts(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1] for line in lines]
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)
