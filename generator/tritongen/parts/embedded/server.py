"""Starts tritonserver on a model repository, waits until it is ready, and stops it again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tritongen import shell
from tritongen.errors import EngineError, HostError, SpecError
from tritongen.parts.embedded.installation import Installation, installation
from tritongen.parts.embedded.log import LoadProgress, LogReader, last_lines
from tritongen.parts.embedded.options import SERVICES, Options, arguments, read_options
from tritongen.parts.embedded.ports import choose_ports
from tritongen.parts.embedded.reasons import failed_models, hung, server_ended
from tritongen.parts.embedded.record import RunFolder, find, process, run_folder
from tritongen.parts.embedded.surroundings import lay_out_backends, lay_out_interpreter
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import Release
from tritongen.records.spec import Server
from tritongen.triton import ModelState, Triton

RELEASE = "24.10"
"""The release whose tritonserver the wheel holds."""

EXIT_TIMEOUT_S = 10
STOP_MARGIN_S = 10
CACHE_BYTES = 64 * 2**20
STARTED = {
    "http": "Started HTTPService at",
    "grpc": "Started GRPCInferenceService at",
    "metrics": "Started Metrics Service at",
}
ASKED = "Signal (15) received."

Watch = Callable[[LoadProgress], None]


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What to serve and how; ``options`` are tritonserver's own and win over everything else.

    ``root`` is the folder whose ``.tritongen/run`` the server's files go to. ``usual_ports``
    tries 8000 to 8002 before any free ones. ``tied``: the server ends when the calling thread
    ends. ``timeout_s`` is how long nothing may happen before it is ready.
    """

    root: Path
    repository: Path
    release: Release
    environment: Mapping[str, str]
    options: tuple[str, ...] = ()
    server: Server = field(default_factory=Server)
    auto_complete: bool = True
    cache: bool = False
    usual_ports: bool = True
    tied: bool = True
    timeout_s: float = 120.0


def start(serving: Serving, watch: Watch = lambda progress: None) -> Endpoint:
    """Start a server and return when all its models are ready.

    ``watch`` is called whenever the log says something new. Raises ``ToolMissingError``,
    ``HostError`` for a port, ``SpecError`` for options and folders that can't be served,
    ``EngineError`` for models that fail, hang or crash; nothing runs after that.
    """
    options = read_options(serving.options)
    wheel = installation()
    check_repository(serving.repository, serving.root, options)
    folder = run_folder(serving.root)
    with folder.locked():
        refuse_second(serving.root)
        try:
            return attempt(serving, options, wheel, folder, watch)
        except HostError:
            # Another program may have taken a port after we had found it free. One that was
            # asked for, or a full disk, is refused again.
            return attempt(replace(serving, usual_ports=False), options, wheel, folder, watch)


def attempt(
    serving: Serving, options: Options, wheel: Installation, folder: RunFolder, watch: Watch
) -> Endpoint:
    """Start once; whatever goes wrong, nothing is left running."""
    try:
        folder.clear()
        folder.log.unlink(missing_ok=True)
        lay_out_backends(folder.path / "backends", wheel, serving.release)
        lay_out_interpreter(folder.path / "python", serving.environment.get("PYTHONPATH", ""))
    except OSError as error:
        raise HostError(f"can't write to {folder.path}", why=error.strerror or "") from error
    endpoint = launch(serving, options, wheel, folder)
    try:
        wait_until_ready(endpoint, options, serving.timeout_s, watch)
    except BaseException:
        stop(endpoint, grace_s=1)
        raise
    return endpoint


def stop(endpoint: Endpoint, *, grace_s: float | None = None) -> bool:
    """Stop a server: requests in flight are answered first, for at most ``grace_s``
    (as long as the server's own exit timeout, and some, if not said).

    Its record and shared memory are removed, its log stays. Return whether it ended by itself.
    Stopping one that is gone only cleans up. A process that is not ours is never touched.
    """
    folder = RunFolder(Path(endpoint.log).parent)
    limit = endpoint.exit_timeout_s + STOP_MARGIN_S if grace_s is None else grace_s
    try:
        return process(endpoint).end(limit)
    finally:
        if folder.read() in {None, endpoint}:
            folder.clear()


def check_repository(repository: Path, root: Path, options: Options) -> None:
    """Raise ``SpecError`` unless there is something to serve."""
    if repository.resolve() == root.resolve():
        raise SpecError(
            "the server's own files can't lie in the model repository",
            why="Triton takes every folder there for a model, also .tritongen",
            fix="run this in another folder, or name one with -o",
        )
    if not repository.is_dir():
        raise SpecError(
            f"there is no model repository at {repository}",
            fix="give the folder whose subfolders are models",
        )
    explicit = control_mode(options) == "explicit"
    if not explicit and not any(entry.is_dir() for entry in repository.iterdir()):
        raise SpecError(
            f"the model repository {repository} holds no models",
            why="each model is a subfolder with a config.pbtxt and version folders like 1/",
            fix="give the folder whose subfolders are models",
        )


def refuse_second(root: Path) -> None:
    """Raise ``HostError`` if a server runs for this root already; wait for one that is ending."""
    endpoint = find(root)
    if endpoint is None:
        return
    if asked_to_end(endpoint) and process(endpoint).wait(endpoint.exit_timeout_s + STOP_MARGIN_S):
        return
    raise HostError(
        f"a server is running here already (pid {endpoint.pid}, http {endpoint.http})",
        why=f"it serves {endpoint.repository}",
        fix="stop it with `tritongen down`, or give this one another folder with -o",
    )


def launch(serving: Serving, options: Options, wheel: Installation, folder: RunFolder) -> Endpoint:
    """Start the process and record it."""
    ports = choose_ports(
        {s: options.port(s) or getattr(serving.server, f"{s}_port") for s in SERVICES},
        {service: options.address(service) for service in SERVICES},
        SERVICES if serving.usual_ports else {},
    )
    defaults = default_options(serving, wheel, folder, ports)
    started = shell.start(
        [str(wheel.server), *arguments(defaults, options)],
        environment=server_environment(serving.environment, wheel, folder),
        folder=folder.path,
        log=folder.log,
        tied=serving.tied,
    )
    endpoint = Endpoint(
        engine="embedded",
        repository=str(serving.repository.resolve()),
        log=str(folder.log),
        pid=started.pid,
        started=started.started,
        exit_timeout_s=exit_timeout_s(options),
        **{service: address(service, options, ports[service]) for service in SERVICES},
    )
    folder.write(endpoint)
    return endpoint


def default_options(
    serving: Serving, wheel: Installation, folder: RunFolder, ports: Mapping[str, int]
) -> dict[str, str | None]:
    """Return what we tell tritonserver unless the user says otherwise."""
    options: dict[str, str | None] = {
        "model-repository": str(serving.repository.resolve()),
        "backend-directory": str(folder.path / "backends"),
        "cache-directory": str(wheel.caches),
        "backend-config": f"python,shm-region-prefix-name={folder.shm_prefix}",
        "model-control-mode": "none",
        # One bad model would end the server before it can say which others are bad.
        "exit-on-error": "false",
        "exit-timeout-secs": str(EXIT_TIMEOUT_S),
        "log-verbose": str(serving.server.log_verbose),
    }
    for service, port in ports.items():
        options[f"{service}-address"] = "127.0.0.1"
        options[f"{service}-port"] = str(port)
    if not serving.auto_complete:
        options["disable-auto-complete-config"] = None
    if serving.cache:
        options["cache-config"] = f"local,size={CACHE_BYTES}"
    if not Path("/dev/nvidiactl").exists():
        options["pinned-memory-pool-byte-size"] = "0"
    return options


def server_environment(
    environment: Mapping[str, str], wheel: Installation, folder: RunFolder
) -> dict[str, str]:
    """Return the environment in which the server and its Python models find their libraries."""
    libraries = [wheel.library_path, environment.get("LD_LIBRARY_PATH", "")]
    return {
        **environment,
        "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
        "PATH": f"{folder.path / 'python' / 'bin'}:{environment.get('PATH', '/usr/bin:/bin')}",
    }


def exit_timeout_s(options: Options) -> int:
    """Return how long the server may take to answer open requests when it is stopped."""
    said = options.values.get("exit-timeout-secs", "")
    return int(said) if said.isdigit() else EXIT_TIMEOUT_S


def address(service: str, options: Options, port: int) -> str:
    """Return where a service can be reached from here; empty if it is turned off."""
    host = options.address(service)
    local = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104
    return "" if options.off(service) else f"{local}:{port}"


def control_mode(options: Options) -> str:
    """Return how models are loaded: none (all at start), poll or explicit."""
    return options.values.get("model-control-mode", "none").lower()


def wait_until_ready(endpoint: Endpoint, options: Options, timeout_s: float, watch: Watch) -> None:
    """Return when the server answers and no model has failed; else raise ``EngineError``."""
    reader, progress = LogReader(Path(endpoint.log)), LoadProgress()
    waiting = {STARTED[service] for service in SERVICES if not options.off(service)}
    moved = time.monotonic()
    while waiting:
        alive = process(endpoint).alive()
        if lines := reader.new_lines():
            moved = time.monotonic()
            for line in lines:
                progress.take(line)
                waiting -= {mark for mark in waiting if mark in line.text}
            watch(progress)
        if progress.hopeless:
            raise failed_models({**progress.failed, **progress.hopeless}, endpoint)
        if not alive:
            raise server_ended(process(endpoint).exit_code(), progress, endpoint)
        if time.monotonic() - moved > timeout_s:
            raise hung(progress, timeout_s, endpoint)
        time.sleep(0.02)
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        failed = failures(triton.index(), options, progress)
    if failed and options.values.get("exit-on-error", "true").lower() in {"true", "1"}:
        raise failed_models(failed, endpoint)


def failures(
    rows: tuple[ModelState, ...], options: Options, progress: LoadProgress
) -> dict[str, str]:
    """Return the models that should be ready and are not, with Triton's reasons."""
    everything = control_mode(options) != "explicit"
    failed = dict(progress.failed)
    for row in rows:
        if row.state == "UNAVAILABLE" and row.reason != "unloaded":
            failed.setdefault(row.name, row.reason)
        elif not row.state and everything:
            failed.setdefault(row.name, "Triton does not say why; see the log")
    return {name: reason for name, reason in failed.items() if not _any_ready(rows, name)}


def _any_ready(rows: tuple[ModelState, ...], name: str) -> bool:
    states = {row.state for row in rows if row.name == name}
    return "READY" in states and "UNAVAILABLE" not in states


def asked_to_end(endpoint: Endpoint) -> bool:
    """Return whether a server was told to stop, by whomever."""
    return ASKED in Path(endpoint.log).read_text("utf-8", "replace")


def end_of(endpoint: Endpoint) -> EngineError | None:
    """Say how a server ended that was serving; ``None`` if it was asked to."""
    if asked_to_end(endpoint):
        return None
    how = shell.how_it_ended(process(endpoint).exit_code())
    return EngineError(
        f"the server ended while it was serving ({how})",
        fix=f"read its log: {endpoint.log}",
        log=last_lines(Path(endpoint.log)),
    )
