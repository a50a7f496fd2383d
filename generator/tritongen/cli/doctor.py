"""``tritongen doctor``: what this machine has, what it lacks, and how to get it."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import click
from rich.table import Table
from rich.text import Text

from tritongen.cli.output import console, show_json
from tritongen.errors import ToolMissingError
from tritongen.parts.engines.embedded import installation as wheel
from tritongen.parts.engines.ports import free, owner_of

State = Literal["ok", "missing", "low", "taken", "absent"]
STYLES: dict[State, str] = {
    "ok": "green",
    "missing": "bold red",
    "low": "yellow",
    "taken": "yellow",
    "absent": "dim",
}
GIB = 2**30
DISK_BYTES, SHARED_BYTES = 2 * GIB, 64 * 2**20
SHARED = Path("/dev/shm")  # noqa: S108 - where Triton keeps it
PROGRAM_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing: ``missing`` keeps `up` from working, the other states do not."""

    what: str
    state: State
    found: str
    purpose: str
    remedy: str = ""


@click.command(epilog="Examples: tritongen doctor | tritongen doctor --json")
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def command(as_json: bool) -> None:
    """Show what this machine has for serving here, and how to get what is missing (exit 5)."""
    rows = list(examine())
    if as_json:
        show_json([asdict(row) for row in rows])
    else:
        console.print(_table(rows))
    if any(row.state == "missing" for row in rows):
        raise click.exceptions.Exit(ToolMissingError.exit_code)


def examine() -> Iterator[Row]:
    """Yield everything that serving can need; nothing is changed."""
    yield from _embedded()
    yield _onnxruntime()
    yield from (
        _port(port, name) for port, name in ((8000, "HTTP"), (8001, "gRPC"), (8002, "metrics"))
    )
    yield _space("disk", Path.cwd(), DISK_BYTES, "built repositories hold copies of models")
    yield _space(str(SHARED), SHARED, SHARED_BYTES, "Python models pass tensors in it")
    yield _program(
        "docker compose",
        ["docker", "compose", "version", "--short"],
        "serving in NVIDIA's container",
        "install Docker Engine with its compose plugin: docs.docker.com/engine/install",
    )
    yield _program(
        "GPU",
        ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
        "models on a GPU, in NVIDIA's container; the embedded server runs on the CPU",
        "install NVIDIA's driver, where there is a GPU",
    )


def _embedded() -> Iterator[Row]:
    """Yield what the embedded tritonserver needs, each checked by the code that starts it."""
    version = sys.version_info[:2]
    checks: tuple[tuple[str, str, Callable[[], object]], ...] = (
        ("platform", "the embedded tritonserver", _platform),
        ("Python", "the interpreter of Python models", platform.python_version),
        (
            f"libpython{version[0]}.{version[1]}",
            "runs Python models",
            lambda: wheel.find_libpython(wheel.library_folders(), version),
        ),
        ("numpy", "arrays of Python models", _numpy),
        ("tritonserver", "`tritongen up`, from PyPI's nvidia-pytriton", _server),
    )
    for what, purpose, check in checks:
        try:
            yield Row(what=what, state="ok", found=str(check()), purpose=purpose)
        except ToolMissingError as error:
            yield Row(
                what=what, state="missing", found=error.message, purpose=purpose, remedy=error.fix
            )


def _platform() -> str:
    wheel.check_platform(sys.platform, platform.machine(), platform.libc_ver())
    return f"{sys.platform} {platform.machine()}, {' '.join(platform.libc_ver())}"


def _numpy() -> str:
    version = wheel.version_of("numpy")
    wheel.check_numpy(version)
    return str(version)


def _server() -> str:
    wheel.installation()
    return f"nvidia-pytriton {wheel.version_of('nvidia-pytriton')}"


def _onnxruntime() -> Row:
    version = wheel.version_of("onnxruntime")
    there = find_spec("onnxruntime") is not None
    return Row(
        what="onnxruntime",
        state="ok" if there else "missing",
        found=version or ("installed" if there else "not installed"),
        purpose="ONNX models on the embedded tritonserver",
        remedy="" if there else wheel.INSTALL,
    )


def _port(port: int, service: str) -> Row:
    is_free = free("127.0.0.1", port)
    return Row(
        what=f"port {port}",
        state="ok" if is_free else "taken",
        found="free" if is_free else f"taken by {owner_of(port) or 'another program'}",
        purpose=f"the usual port of {service}",
        remedy=""
        if is_free
        else "`up` takes another one by itself; `server:` in the spec says which",
    )


def _space(what: str, folder: Path, needed: int, purpose: str) -> Row:
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


def _program(what: str, command: list[str], purpose: str, remedy: str) -> Row:
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


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("", "state", "found", "what for"):
        table.add_column(column, overflow="fold")
    for row in rows:
        found = Text(row.found)
        if row.remedy:
            found.append(f"\nfix  {row.remedy}", style="dim")
        state = Text(row.state, style=STYLES[row.state])
        table.add_row(Text(row.what, style="bold"), state, found, Text(row.purpose, style="dim"))
    return table
