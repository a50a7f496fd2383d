"""A stack under test: what `tritongen build` wrote, on the tests' own engine."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.integration.compose.engine import Engine

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))
SANDBOX = Path(__file__).with_name("sandbox.yml")
"""What machines of CI refuse, and Grafana, which can't be had there."""
UP_S = 120


@dataclass(frozen=True)
class Project:
    """A folder with a spec; ``compose`` runs on the file as it was generated, and the sandbox's."""

    engine: Engine
    folder: Path
    profiles: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What Compose and tritongen are to find around them."""
        return {
            **self.engine.environment,
            "COMPOSE_FILE": f"docker-compose.yml:{SANDBOX}",
            "COMPOSE_PROFILES": ",".join(self.profiles),
            "NO_COLOR": "1",
        }

    def compose(self, *words: str) -> str:
        """Run `docker compose`; fail with what it complained of."""
        done = self.run([self.engine.program, "compose", *words])
        assert done.returncode == 0, f"compose {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def tritongen(self, *words: str) -> str:
        """Run a command of tritongen that must succeed, and return what it printed."""
        done = self.run([TRITONGEN, *words])
        assert done.returncode == 0, f"tritongen {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run a program in the folder."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=UP_S + 60,
            check=False,
        )

    def images(self) -> list[str]:
        """The images that the generated file starts or builds from."""
        return self.compose("config", "--images").split()

    def up(self, *words: str) -> None:
        """Start everything and wait until it is healthy."""
        wait = ("--detach", "--wait", "--wait-timeout", str(UP_S), "--remove-orphans")
        self.compose("up", *wait, *words)

    def down(self) -> None:
        """Stop everything and remove its volumes."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of a service's running containers."""
        names = self.compose("ps", "--quiet", service).split()
        found: list[dict[str, Any]] = json.loads(self.engine.docker("inspect", *names))
        return sorted(found, key=lambda each: str(each["Name"]))

    def address(self, service: str, port: int) -> str:
        """Where a port of a service is published: ``host:port``."""
        return self.compose("port", service, str(port)).strip()

    def http(self, service: str, port: int) -> httpx.Client:
        """A client of what a service publishes."""
        address = f"http://{self.address(service, port)}"
        return httpx.Client(base_url=address, timeout=30, trust_env=False)


def kill(container: dict[str, Any]) -> None:
    """Kill the first process of a container from outside, as the kernel does that has no memory."""
    os.kill(container["State"]["Pid"], signal.SIGKILL)
