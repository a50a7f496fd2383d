"""Turns what Triton says about a model that did not load into what a person can act on."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from tritongen.errors import EngineError, SpecError, TritongenError
from tritongen.parts.engines.log import LoadProgress, last_lines, text_of
from tritongen.parts.engines.ports import taken
from tritongen.records.endpoint import Endpoint
from tritongen.shell import how_it_ended

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FRAME = re.compile(r"^\s+(?P<file>[^<\s].*?)\((?P<line>\d+)\): ", re.M)
PREFIX = re.compile(r"^(?:Internal|Invalid argument|Not found|Unavailable|Unsupported|Unknown): ")
SAID = "TritonModelException: "
"""What a model raises to say in its own words why it does not load: the frame is no news then."""
WAITS = re.compile(r"^ensemble '[^']+' depends on '(?P<on>[^']+)' which has no loaded version")
PORT = re.compile(r"failed to start (?P<service>\w+) service.*'[^']*:(?P<port>\d+)' already in use")
REFUSED = re.compile(
    r"unrecognized option '[^'\n]*'|option '[^'\n]*' (?:is ambiguous|requires an argument)"
    r"|^Bad option: .*\n.*|^Error: (?!Failed to initialize NVML).*|^The server cannot listen .*",
    re.M,
)
CREATING = re.compile(r"error: creating server: (?:\w+ - )?(?P<why>.*)")


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A row of ``resources/troubles.toml``: what a text of Triton's usually means."""

    pattern: re.Pattern[str]
    meaning: str
    remedy: str


@cache
def troubles() -> tuple[Trouble, ...]:
    """Return the known troubles; the first that matches is the one."""
    text = files("tritongen.resources").joinpath("troubles.toml").read_text("utf-8")
    rows = tomllib.loads(text)["trouble"]
    return tuple(Trouble(**{**row, "pattern": re.compile(row["pattern"])}) for row in rows)


def explain(reason: str) -> tuple[str, str]:
    """Return what a reason usually means and one remedy; empty if it is not known."""
    for trouble in troubles():
        if match := trouble.pattern.search(reason):
            groups = {name: value or "" for name, value in match.groupdict().items()}
            return trouble.meaning.format(**groups), trouble.remedy.format(**groups)
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


def failed_models(failed: dict[str, str], endpoint: Endpoint) -> EngineError:
    """Return the refusal that names each model that did not load, causes before those who wait."""
    names = sorted(failed, key=lambda name: (_waits(failed[name]), name))
    width = max(map(len, names))
    why, fix = [], []
    for name in names:
        meaning, remedy = ("", "") if _waits(failed[name]) else explain(failed[name])
        text = [*readable(failed[name]).splitlines(), *meaning.splitlines()]
        why.append(f"{name:{width}}  " + f"\n{' ' * width}  ".join(text))
        if remedy:
            fix.append(remedy if len(names) == 1 else f"{name:{width}}  {remedy}")
    count = "1 model" if len(names) == 1 else f"{len(names)} models"
    return EngineError(
        f"{count} did not load: {', '.join(names)}",
        why="\n".join(why),
        fix="\n".join(fix) or f"read the server's log: {endpoint.log}",
    )


def _waits(reason: str) -> bool:
    return bool(WAITS.match(PREFIX.sub("", reason)))


def hung(progress: LoadProgress, timeout_s: float, endpoint: Endpoint) -> EngineError:
    """Return the refusal that names the models that were loading when nothing happened any more."""
    names = ", ".join(progress.loading)
    what = f"{names} did not finish loading" if names else "the server did not become ready"
    return EngineError(
        f"{what}: nothing happened for {timeout_s:g} s",
        why="its code waits for something (a download, a lock, another service), "
        "or loading takes long",
        fix="see where it waits, or give it more time with --timeout",
        log=last_lines(Path(endpoint.log)),
    )


def server_ended(code: int | None, progress: LoadProgress, endpoint: Endpoint) -> TritongenError:
    """Return the refusal for a server that ended before it was ready."""
    log = text_of(Path(endpoint.log))
    if match := PORT.search(log):
        return taken(match["service"].lower(), int(match["port"]))
    if match := REFUSED.search(log):
        return SpecError(
            f"tritonserver refuses its options: {' '.join(match[0].splitlines())}",
            fix=f"see the options of the 24.10 release in {endpoint.log}",
        )
    if code is not None and code < 0:
        return crashed(code, progress, endpoint)
    if progress.failed:
        return failed_models(progress.failed, endpoint)
    match = CREATING.search(log)
    why = match["why"] if match else ""
    meaning, remedy = explain(why)
    return EngineError(
        f"tritonserver did not start ({how_it_ended(code)})",
        why="\n".join(filter(None, [why, meaning])),
        fix=remedy or f"read its log: {endpoint.log}",
        log=last_lines(Path(endpoint.log)),
    )


def crashed(code: int, progress: LoadProgress, endpoint: Endpoint) -> EngineError:
    """Return the refusal for a server that a signal ended."""
    names = ", ".join(progress.loading)
    return EngineError(
        f"tritonserver was {how_it_ended(code)}" + (f" while loading {names}" if names else ""),
        why="a setting that this release can't bear (an instance group that is all `passive`, "
        "a metric tag with - or .), a library that crashed, or no memory",
        fix="serve the models one by one to see which it is: "
        "tritongen up --repository DIR -- --model-control-mode=explicit --load-model=NAME",
        log=last_lines(Path(endpoint.log)),
    )
