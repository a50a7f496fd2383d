"""Asks Docker: one call of its command line each, refusals in words."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritongen.errors import ToolMissingError
from tritongen.parts.engines.compose.refusals import refusal
from tritongen.shell.programs import Ran, run

OLDEST = (2, 20)
"""Compose versions before it lack parts of the generated files, or wait for health otherwise."""

INSTALL = "install Docker Engine with its compose plugin: https://docs.docker.com/engine/install"
QUICK_S = 60.0


@dataclass(frozen=True)
class Docker:
    """The Docker that ``environment`` says, asked in a folder with a compose file.

    Every call raises what ``refusals.refusal`` reads from what Docker says, and
    ``ToolMissingError`` if there is no Docker.
    """

    root: Path
    environment: Mapping[str, str]

    def compose(self, *words: str, timeout_s: float = QUICK_S) -> str:
        """Return what ``docker compose`` writes."""
        return self.ask("compose", *words, timeout_s=timeout_s)

    def ask(self, *words: str, timeout_s: float = QUICK_S) -> str:
        """Return what ``docker`` writes to stdout; raise if it ends with an error."""
        ran = self.run(*words, timeout_s=timeout_s)
        if ran.code:
            raise refusal(command(words), ran.err or ran.out)
        return ran.out

    def run(self, *words: str, timeout_s: float = QUICK_S) -> Ran:
        """Return how a call of ``docker`` ended."""
        try:
            return run(
                ["docker", *words],
                environment=self.environment,
                folder=self.root,
                timeout_s=timeout_s,
            )
        except FileNotFoundError as error:
            raise ToolMissingError(
                "there is no docker here", why="no program `docker` on PATH", fix=INSTALL
            ) from error
        except TimeoutError as error:
            raise refusal(command(words), f"timed out: {error}") from error

    def inspect(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return what Docker knows of containers or images; those that are gone are left out."""
        if not names:
            return []
        ran = self.run(kind, "inspect", *names)
        found: list[dict[str, Any]] = json.loads(ran.out or "[]")
        if ran.code and not re.search(r"[Nn]o such (?:container|image|object)", ran.err):
            raise refusal(command((kind, "inspect")), ran.err)
        return found

    def check(self) -> tuple[str, str]:
        """Return the versions of the engine and of compose.

        Raises ``ToolMissingError``: no docker, no compose, an old one, no engine, no permission.
        """
        ran = self.run("compose", "version", "--short")
        if ran.code or not ran.out.strip():
            said = (ran.err.strip() or "`docker compose version` says nothing").splitlines()[0]
            # Without the plugin, docker takes the words for its own.
            unknown = re.search("unknown (?:shorthand )?flag|is not a docker command", said)
            raise ToolMissingError(
                "docker has no compose plugin here",
                why="it does not know the command `docker compose`" if unknown else said,
                fix=INSTALL,
            )
        compose = ran.out.strip().removeprefix("v")
        if _numbers(compose) < OLDEST:
            raise ToolMissingError(
                f"docker compose {compose} is too old",
                why=f"the generated files need {'.'.join(map(str, OLDEST))} or newer",
                fix="update the plugin: https://docs.docker.com/compose/install/linux",
            )
        return self.ask("version", "--format", "{{.Server.Version}}").strip(), compose


def command(words: Sequence[str]) -> str:
    """Return a call as a person would type it, without what can be long."""
    return " ".join(["docker", *words[:6]])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
