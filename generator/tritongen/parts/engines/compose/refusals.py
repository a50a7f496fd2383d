"""Turns what Docker says when it fails into a refusal that a person can act on."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tritongen.errors import EngineError, HostError, SpecError, ToolMissingError, TritongenError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KINDS: dict[str, type[TritongenError]] = {
    "tool": ToolMissingError,
    "host": HostError,
    "engine": EngineError,
    "spec": SpecError,
}
LAST_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A row of ``resources/docker.toml``: what a text of Docker's means, and its kind."""

    pattern: re.Pattern[str]
    kind: str
    message: str
    why: str = ""
    fix: str


@cache
def troubles() -> tuple[Trouble, ...]:
    """Return the known troubles; the first that matches is the one."""
    text = files("tritongen.resources").joinpath("docker.toml").read_text("utf-8")
    rows = tomllib.loads(text)["trouble"]
    return tuple(Trouble(**{**row, "pattern": re.compile(row["pattern"])}) for row in rows)


def refusal(command: str, said: str) -> TritongenError:
    """Return the refusal for a command that failed, from what it said.

    What is not known is an ``EngineError`` with the last lines as Docker wrote them.
    """
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    for trouble in troubles():
        if match := trouble.pattern.search(said):
            groups = {name: value or "" for name, value in match.groupdict().items()}
            said_line = next((line for line in lines if trouble.pattern.search(line)), "")
            return KINDS[trouble.kind](
                trouble.message.format(**groups),
                why=trouble.why.format(**groups) or said_line.strip(),
                fix=trouble.fix.format(**groups),
            )
    return EngineError(
        f"`{command}` failed",
        why=lines[-1] if lines else "it said nothing",
        fix="see what Docker says below; `tritongen doctor` shows what this machine has",
        log=tuple(lines[-LAST_LINES:]),
    )
