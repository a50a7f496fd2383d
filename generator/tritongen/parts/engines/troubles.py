"""Turns what Triton says about a model that did not load into what a person can act on."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tritongen.errors import EngineError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FRAME = re.compile(r"^\s+(?P<file>[^<\s].*?)\((?P<line>\d+)\): ", re.M)
PREFIX = re.compile(r"^(?:Internal|Invalid argument|Not found|Unavailable|Unsupported|Unknown): ")
SAID = "TritonModelException: "
"""What a model raises to say in its own words why it does not load: the frame is no news then."""
WAITS = re.compile(r"^ensemble '[^']+' depends on '(?P<on>[^']+)' which has no loaded version")


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A row of ``resources/troubles.toml``: what a text of Triton's usually means.

    ``contained`` are ``(meaning, remedy)`` where they are others in NVIDIA's container.
    """

    pattern: re.Pattern[str]
    meaning: str
    remedy: str
    contained: tuple[str, str] | None = None


@cache
def troubles() -> tuple[Trouble, ...]:
    """Return the known troubles; the first that matches is the one."""
    text = files("tritongen.resources").joinpath("troubles.toml").read_text("utf-8")
    rows = tomllib.loads(text)["trouble"]
    return tuple(
        Trouble(
            pattern=re.compile(row["pattern"]),
            meaning=row["meaning"],
            remedy=row["remedy"],
            contained=tuple(row["contained"]) if "contained" in row else None,
        )
        for row in rows
    )


def explain(reason: str, *, contained: bool = False) -> tuple[str, str]:
    """Return what a reason usually means and one remedy; empty if it is not known."""
    for trouble in troubles():
        if match := trouble.pattern.search(reason):
            groups = {name: value or "" for name, value in match.groupdict().items()}
            meaning, remedy = trouble.meaning, trouble.remedy
            if contained and trouble.contained:
                meaning, remedy = trouble.contained
            return meaning.format(**groups), remedy.format(**groups)
    return "", ""


def readable(reason: str) -> str:
    """Return a reason without Triton's wrapping; of a Python traceback the error and its place."""
    text = PREFIX.sub("", reason.strip())
    if match := WAITS.match(text):
        return f"waits for {match['on']}, which did not load"
    error, at, frames = text.partition("\n\nAt:\n")
    if at and error.startswith(SAID):
        return error.removeprefix(SAID)
    if at and (frame := FRAME.search(frames)):
        return f"{error} ({frame['file']}, line {frame['line']})"
    return error if at else text


def failed_models(
    failed: Mapping[str, str], last_resort: str, *, contained: bool = False, where: str = ""
) -> EngineError:
    """Return the refusal that names each model that did not load, causes before those who wait.

    ``last_resort`` is the remedy if none is known; ``where`` names the server if there are several.
    """
    names = sorted(failed, key=lambda name: (_waits(failed[name]), name))
    width = max(map(len, names))
    why, fix = [], []
    for name in names:
        known = not _waits(failed[name])
        meaning, remedy = explain(failed[name], contained=contained) if known else ("", "")
        text = [*readable(failed[name]).splitlines(), *meaning.splitlines()]
        why.append(f"{name:{width}}  " + f"\n{' ' * width}  ".join(text))
        if remedy:
            fix.append(remedy if len(names) == 1 else f"{name:{width}}  {remedy}")
    count = "1 model" if len(names) == 1 else f"{len(names)} models"
    return EngineError(
        f"{count} did not load{where}: {', '.join(names)}",
        why="\n".join(why),
        fix="\n".join(fix) or last_resort,
    )


def _waits(reason: str) -> bool:
    return bool(WAITS.match(PREFIX.sub("", reason)))
