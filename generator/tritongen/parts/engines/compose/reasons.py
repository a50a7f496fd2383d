"""Why a container is not well, in words."""

import re
import signal
from collections.abc import Sequence

from tritongen.errors import EngineError
from tritongen.parts.engines.compose.containers import Container
from tritongen.parts.engines.compose.docker import Docker
from tritongen.parts.engines.log import LoadProgress, parse, telling
from tritongen.parts.engines.troubles import explain, failed_models
from tritongen.records.stack import TRITON
from tritongen.shell import how_it_ended

LINES = 400
SHOWN = 12
KILLED = 137
BEGAN = re.compile(r"[Pp]inned memory pool (?:is created|disabled)")
"""The first of what a Triton says when it starts."""
SPOKEN = re.compile(
    r"\[ALERT\][^:]*:(?! *config : (?:Fatal errors|Error\(s\)) found)"
    r"|level=error |[Ee]rror[ :]|Traceback "
)
"""What a program's own log says of its end, if it is not Triton; not what only sums that up."""


def log_of(docker: Docker, container: Container, lines: int = LINES) -> list[str]:
    """Return the last lines that a container wrote, on both its outputs."""
    ran = docker.run("logs", "--tail", str(lines), container.id)
    return (ran.out + ran.err).splitlines()


def progress_of(lines: Sequence[str]) -> LoadProgress:
    """Return what a Triton's log says of its models since it was last started."""
    return starts_of(lines)[-1]


def starts_of(lines: Sequence[str]) -> list[LoadProgress]:
    """Return what a Triton's log says of its models, of one start after the other."""
    starts = [LoadProgress()]
    for line in map(parse, lines):
        if BEGAN.search(line.text):
            starts.append(LoadProgress())
        starts[-1].take(line)
    return starts


def broken(docker: Docker, sick: Sequence[Container], well: Sequence[Container]) -> EngineError:
    """Return why containers are not well; of several the one that tells most, Triton's first.

    ``well`` are the others, so that it is seen when one replica fails and another does not.
    """
    first = min(sick, key=lambda each: (each.service != TRITON, each.service, each.number))
    lines = log_of(docker, first)
    error = reason(first, lines)
    others = [each.name for each in well if each.service == first.service and each.mood == "ready"]
    if others:
        error.why += f"\nonly in {first.name}: {', '.join(others)} with the same files is ready"
    also = [each.name for each in sick if each is not first and each.service != first.service]
    if also:
        error.why += f"\nnot well either: {', '.join(also)}"
    return error


def reason(container: Container, lines: Sequence[str]) -> EngineError:
    """Return why a container is not well, from its state and its last lines."""
    look = f"see all that it wrote: tritongen logs --service {container.service}"
    if container.service == TRITON and not container.out_of_memory:
        # Docker may have started it again already, so that the last start says nothing yet.
        failures = ({**start.failed, **start.hopeless} for start in reversed(starts_of(lines)))
        if failed := next(filter(None, failures), None):
            return failed_models(failed, look, contained=True, where=f" in {container.name}")
    message, why, fix = _how(container)
    said = _said(container, lines)
    meaning, remedy = explain("\n".join(lines), contained=True) if said else ("", "")
    return EngineError(
        f"{container.name} {message}",
        why="\n".join(filter(None, (why, said, meaning if container.service == TRITON else ""))),
        fix=fix or (remedy if container.service == TRITON else "") or look,
        log=_shown(lines),
    )


def _how(container: Container) -> tuple[str, str, str]:
    """Return what became of a container, why if its state tells, and the remedy then."""
    service = container.service
    if container.refused:
        return "could not be started", container.refused, ""
    if container.out_of_memory:
        return (
            "ran out of memory",
            "the kernel ended it at its memory limit",
            f"give it more in the spec: stack: {{memory: {{{service}: ...}}}}",
        )
    if container.state == "running" and container.restarts and container.health == "starting":
        return f"ended {container.restarts} times, and was started again each time", "", ""
    if container.state == "running":
        return "does not become healthy", f"its health check says: {container.said or '-'}", ""
    code = container.exit_code
    signalled = 128 < code <= 128 + signal.SIGSYS
    ended = how_it_ended(128 - code if signalled else code)
    again = f", {container.restarts} times" if container.restarts > 1 else ""
    why = {
        KILLED: "something killed it: the machine may be out of memory",
        127: "its image does not have the program that it is to run",
        126: "its program can't be run",
    }.get(code, "")
    return f"ended ({ended}{again})", why, ""


def _said(container: Container, lines: Sequence[str]) -> str:
    """Return the line in which a program says why it ended."""
    if container.service == TRITON:
        marks = [line for line in lines if "error: creating server" in line]
    else:
        marks = [line for line in lines if SPOKEN.search(line)]
    return marks[-1].strip() if marks else ""


def _shown(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(telling(list(lines)))[-SHOWN:]
