"""``tritongen doctor``: what this machine has, what it lacks, and how to get it."""

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from tritongen.cli import containers
from tritongen.cli.output import console, show_json
from tritongen.cli.rows import GIB, Row, State, port, space
from tritongen.errors import ToolMissingError
from tritongen.parts.engines.embedded import installation as wheel
from tritongen.parts.targets.grafana.draw import check_sdk

STYLES: dict[State, str] = {
    "ok": "green",
    "missing": "bold red",
    "low": "yellow",
    "taken": "yellow",
    "absent": "dim",
}
DISK_BYTES, SHARED_BYTES = 2 * GIB, 64 * 2**20
ANOTHER = "`up` takes another one by itself; `server:` in the spec says which"
SHARED = Path("/dev/shm")  # noqa: S108 - where Triton keeps it


@click.command(
    epilog="Examples: tritongen doctor | tritongen doctor --json | "
    "tritongen doctor --pin > pins.yaml. Build with those: tritongen build -f pins.yaml"
)
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@click.option(
    "--pin",
    is_flag=True,
    help="Instead, write an overlay that pins the stack's images to the digests of those here.",
)
@click.option("-s", "--spec", type=click.Path(path_type=Path), default="spec.yaml",
              show_default=True, help="The spec whose images are pinned.")  # fmt: skip
def command(as_json: bool, pin: bool, spec: Path) -> None:
    """Show what this machine has for serving here, and how to get what is missing (exit 5)."""
    if pin:
        from tritongen.cli.pinning import overlay

        sys.stdout.write(overlay(spec))
        return
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
    yield _dashboards()
    yield from (
        port(number, name, ANOTHER)
        for number, name in ((8000, "HTTP"), (8001, "gRPC"), (8002, "metrics"))
    )
    yield space("disk", Path.cwd(), DISK_BYTES, "built repositories hold copies of models")
    yield space(str(SHARED), SHARED, SHARED_BYTES, "Python models pass tensors in it")
    yield from containers.rows()


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


def _dashboards() -> Row:
    purpose = "the dashboards of a spec with `stack:`"
    try:
        return Row(what="Grafana's SDK", state="ok", found=check_sdk(), purpose=purpose)
    except ToolMissingError as error:
        return Row(
            what="Grafana's SDK",
            state="absent",
            found=f"not installed: {error.why}",
            purpose=purpose,
            remedy=error.fix,
        )


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
