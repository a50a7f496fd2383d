"""Runs the load program: a process of its own, watched, bounded, and ended by its id."""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tritongen import shell
from tritongen.errors import HostError, MeasureError, ToolMissingError
from tritongen.stages.measure.results import Feed

PATIENCE_S = 30.0
"""How much longer than the load test its program may take, to start and to end."""
GRACE_S = 15.0
"""How long it may take to write down what it has when it is asked to end early."""
LAST_LINES = 20
OWN_OPTIONS = "LOCUST_"
"""Locust takes options from variables that start so; the scenario says everything here."""
NEEDS = {"locust": "locust", "hdrhistogram": "hdrh", "hpack": "hpack", "hyperframe": "hyperframe"}
"""Packages by what pip calls them, with what Python calls them."""


@dataclass(frozen=True)
class Page:
    """Locust's own page, at a port of 127.0.0.1; ``ready`` is called once it answers."""

    port: int
    ready: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: ``folder`` holds its scenario, log, feed and results; it takes ``length_s``.

    With a ``page`` it stays for more runs that are started there, until it is interrupted.
    """

    folder: Path
    scenario: Mapping[str, Any]
    processes: int
    environment: Mapping[str, str]
    page: Page | None = None

    @property
    def length_s(self) -> float:
        """Warm-up, measured time, and the last answer."""
        keys = ("warmup_s", "duration_s", "timeout_s")
        return float(sum(self.scenario[key] for key in keys))

    @property
    def results(self) -> Path:
        """What the program writes at its end."""
        return self.folder / "results.json"

    @property
    def log(self) -> Path:
        """What the program says."""
        return self.folder / "log.txt"


def run(
    this: Run, watch: Callable[[list[Mapping[str, Any]]], bool]
) -> tuple[Mapping[str, Any], bool]:
    """Run the program to its end; return its results, and whether it was interrupted by Ctrl-C.

    ``watch`` is called about ten times a second with the new live lines; once it returns false the
    run is ended early. What was measured until then is in the results.

    Raises:
        ToolMissingError: Locust is not installed.
        MeasureError: the program wrote no results; says what it said last.
        HostError: the run's files can't be written.
    """
    _check_installed()
    _write(this)
    with as_file(files("tritongen.runtime").joinpath("load")) as program:
        process = shell.start(
            _command(this, program),
            environment=_environment(this),
            folder=this.folder,
            log=this.log,
            tied=True,
        )
        feed, interrupted = Feed(this.folder / "live.jsonl"), False
        try:
            _follow(this, process, feed, watch)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            process.end(GRACE_S)
    return _read(this, process.exit_code()), interrupted


def _check_installed() -> None:
    missing = [name for name, module in NEEDS.items() if find_spec(module) is None]
    if missing:
        raise ToolMissingError(
            f"the load program needs {', '.join(NEEDS)}",
            why=f"not installed: {', '.join(missing)}",
            fix=f"pip install {' '.join(missing)}",
        )


@contextmanager
def _hosting(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostError(
            f"{folder} cannot be written: {error.strerror}", fix="make room, or build elsewhere: -o"
        ) from error


def _write(this: Run) -> None:
    with _hosting(this.folder):
        this.folder.mkdir(parents=True, exist_ok=True)
        for name in ("results.json", "live.jsonl", "log.txt"):
            (this.folder / name).unlink(missing_ok=True)
        (this.folder / "scenario.json").write_text(json.dumps(this.scenario), "utf-8")


def _command(this: Run, program: Path) -> list[str]:
    many = _workers(this.processes) if this.processes > 1 else []
    shown = ["--headless", "--only-summary"]
    if this.page:
        shown = ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(this.page.port)]
    return [
        sys.executable,
        *("-m", "locust", *shown, "--loglevel", "WARNING"),
        *("-f", str(program / "locustfile.py")),
        *("--scenario", str(this.folder.absolute() / "scenario.json")),
        *("--results", str(this.results.absolute())),
        *("--live", str(this.folder.absolute() / "live.jsonl")),
        *many,
    ]


def _workers(count: int) -> list[str]:
    """Return what starts workers; they meet at a port that no other load test has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
    bound = ["--master-bind-host", host, "--master-bind-port", str(port)]
    return ["--processes", str(count), *bound, "--master-host", host, "--master-port", str(port)]


def _environment(this: Run) -> dict[str, str]:
    kept = {k: v for k, v in this.environment.items() if not k.startswith(OWN_OPTIONS)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def _follow(
    this: Run,
    process: shell.Process,
    feed: Feed,
    watch: Callable[[list[Mapping[str, Any]]], bool],
) -> None:
    """Pass on live lines until the program has ended, has to, or has taken too long."""
    deadline = time.monotonic() + this.length_s + PATIENCE_S
    if this.page:
        deadline = float("inf")
        _await(this.page, process)
    while process.alive() and time.monotonic() < deadline:
        if not watch(feed.new_lines()):
            return
        time.sleep(0.1)
    watch(feed.new_lines())


def _await(page: Page, process: shell.Process) -> None:
    """Wait until the page answers, as long as its program runs."""
    deadline = time.monotonic() + PATIENCE_S
    while process.alive() and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", page.port), timeout=1):
            page.ready()
            return
        time.sleep(0.1)


def _read(this: Run, code: int | None) -> Mapping[str, Any]:
    try:
        said: Mapping[str, Any] = json.loads(this.results.read_bytes())
    except FileNotFoundError:
        raise _failed(this, code) from None
    except ValueError as error:
        message = f"{this.results} is cut off"
        raise HostError(message, why=str(error), fix="make room on the disk") from error
    return said


def _failed(this: Run, code: int | None) -> MeasureError | HostError:
    """Return why there are no results, with what the program said last."""
    lines = this.log.read_text("utf-8", "replace").splitlines() if this.log.exists() else []
    said = [line for line in lines if line.startswith("load: ")] or lines[-LAST_LINES:]
    why = "\n".join(line.removeprefix("load: ") for line in said)
    ended = shell.how_it_ended(code)
    if code == 9:
        return HostError("the load program can't write its results", why=why, fix="make room")
    return MeasureError(f"the load program measured nothing: {ended}", why=why)
