"""A stack under test: what `tritongen build` wrote, on the tests' own engine."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.integration.compose.engine import Engine
from tests.integration.compose.measured import measured, timed
from tests.integration.compose.stand_ins import STAND_INS, build

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

    @property
    def name(self) -> str:
        """What Docker calls it: the spec's name, which is its folder's here."""
        return self.folder.name

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

    def images(self) -> set[str]:
        """The images that the generated file starts, and those that it builds from."""
        built = (self.folder / "compose").glob("*.Dockerfile")
        text = "".join(path.read_text() for path in built)
        return {
            *self.compose("config", "--images").split(),
            *re.findall(r"^FROM (\S+)", text, re.MULTILINE),
        }

    def up(self, *words: str) -> None:
        """Start everything and wait until it is healthy."""
        wait = ("--detach", "--wait", "--wait-timeout", str(UP_S), "--remove-orphans")
        self.compose("up", *wait, *words)

    @contextmanager
    def running(self, model: str, request: dict[str, Any]) -> Iterator[None]:
        """Build and start what the spec says; at the end stop it and remove its data.

        How long it takes until ``model`` answers ``request`` at the gateway is measured.
        """
        self.tritongen("build")
        build_images(self)
        try:
            with ThreadPoolExecutor() as pool:
                began = time.monotonic()
                starting = pool.submit(self.up)
                first = pool.submit(self._first_answer, model, request, starting)
                starting.result()
                measured(f"{self.name}: up and healthy: {time.monotonic() - began:.1f} s")
                answered = first.result() - began
                measured(f"{self.name}: from `up` to the first answer: {answered:.1f} s")
            yield
        finally:
            with timed(f"{self.name}: down"):
                self.down()

    def _first_answer(self, model: str, request: dict[str, Any], starting: Future[None]) -> float:
        """Return when the first request was answered: one that is sent as soon as it may be."""
        address = f"http://{self.published('gateway', 8000)}/v2"
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not starting.done() or not starting.exception():
                with suppress(httpx.TransportError):
                    if client.get(f"{address}/models/{model}/ready").status_code == 200:
                        answer = client.post(f"{address}/models/{model}/infer", json=request)
                        assert answer.status_code == 200, answer.text
                        return time.monotonic()
                time.sleep(0.1)
        raise AssertionError("it did not start")

    def published(self, service: str, port: int) -> str:
        """Where a port of a service will be published, by the file: ``host:port``."""
        told = json.loads(self.compose("config", "--format", "json"))["services"][service]
        (found,) = (each for each in told["ports"] if each["target"] == port)
        return f"{found['host_ip']}:{found['published']}"

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


def build_images(project: Project) -> None:
    """Build what a project's files name and its engine lacks."""
    found = project.engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    with timed(f"{project.name}: images"):
        for image in sorted(project.images() - {*found}):
            if image.rpartition(":")[0] in STAND_INS:
                build(project.engine, image)
