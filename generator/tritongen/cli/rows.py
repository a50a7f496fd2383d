"""What ``doctor`` says of one thing, and how ports, space and programs are looked at."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tritongen.parts.engines.ports import free, owner_of

State = Literal["ok", "missing", "low", "taken", "absent"]
GIB = 2**30
PROGRAM_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing: ``missing`` keeps `up` from working, the other states do not."""

    what: str
    state: State
    found: str
    purpose: str
    remedy: str = ""


def port(number: int, service: str, remedy: str) -> Row:
    """Return whether a port is free, and who has it if not."""
    is_free = free("127.0.0.1", number)
    return Row(
        what=f"port {number}",
        state="ok" if is_free else "taken",
        found="free" if is_free else f"taken by {owner_of(number) or 'another program'}",
        purpose=f"the usual port of {service}",
        remedy="" if is_free else remedy,
    )


def space(what: str, folder: Path, needed: int, purpose: str) -> Row:
    """Return whether a folder's file system has room for so many bytes."""
    if not folder.is_dir():
        return Row(what=what, state="low", found="not there", purpose=purpose, remedy="mount it")
    left = shutil.disk_usage(folder).free
    enough = left >= needed
    return Row(
        what=what,
        state="ok" if enough else "low",
        found=f"{left / GIB:.1f} GiB free",
        purpose=purpose,
        remedy="" if enough else f"free {needed / GIB:.2g} GiB, or make it larger",
    )


def program(what: str, command: list[str], purpose: str, remedy: str) -> Row:
    """Ask a program for its version; whatever it does wrong is told as its state."""
    program = shutil.which(command[0])
    if program is None:
        found = f"no {command[0]}"
        return Row(what=what, state="absent", found=found, purpose=purpose, remedy=remedy)
    try:
        run = subprocess.run(  # noqa: S603 - fixed words, no shell
            [program, *command[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PROGRAM_SECONDS,
        )
        works = run.returncode == 0
        said = (run.stdout if works else run.stderr or run.stdout).strip().partition("\n")[0]
    except (OSError, subprocess.TimeoutExpired) as error:
        said, works = str(error), False
    state: State = "ok" if works else "absent"
    found = said or f"{command[0]} says nothing"
    fix = "" if works else remedy
    return Row(what=what, state=state, found=found, purpose=purpose, remedy=fix)
