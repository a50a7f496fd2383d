"""Starts tritonserver on a model repository, waits until it is ready, and stops it again."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tritongen import shell
from tritongen.errors import EngineError, HostError, SpecError
from tritongen.parts.engines.embedded.installation import Installation, installation
from tritongen.parts.engines.embedded.options import (
    SERVICES,
    Options,
    arguments,
    read_options,
    under,
)
from tritongen.parts.engines.embedded.record import find, process
from tritongen.parts.engines.embedded.serving import (
    MARK,
    Serving,
    address,
    control_mode,
    default_options,
    exit_timeout_s,
    server_environment,
)
from tritongen.parts.engines.embedded.surroundings import lay_out_backends, lay_out_interpreter
from tritongen.parts.engines.ports import choose_ports
from tritongen.parts.engines.runfolder import RunFolder, run_folder
from tritongen.records.endpoint import Endpoint

# What reads the log is imported once the server has been started: that need not wait for it.
if TYPE_CHECKING:
    from tritongen.parts.engines.log import LoadProgress

STOP_MARGIN_S = 10
ASKED = re.compile(r"^Signal \((?:2|15)\) received\.", re.M)

Watch = Callable[["LoadProgress"], None]


def start(serving: Serving, watch: Watch = lambda progress: None) -> Endpoint:
    """Start a server and return when all its models are ready.

    ``watch`` is called whenever the log says something new. Raises ``ToolMissingError``,
    ``HostError`` for a port, ``SpecError`` for options and folders that can't be served,
    ``EngineError`` for models that fail, hang or crash; nothing runs after that.
    """
    options = read_options(under(serving.server, serving.options))
    wheel = installation()
    check_repository(serving.repository, serving.root, options)
    folder = run_folder(serving.root)
    with folder.locked():
        refuse_second(serving.root)
        if left := folder.read():
            stop(left)
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
        from tritongen.parts.engines.embedded.readiness import wait_until_ready

        wait_until_ready(endpoint, options, serving.timeout_s, watch)
    except BaseException:
        stop(endpoint, grace_s=1)
        raise
    return endpoint


def stop(endpoint: Endpoint, *, grace_s: float | None = None) -> bool:
    """Stop a server, after it has answered open requests; return whether it ended by itself.

    After ``grace_s`` it is killed; if not said, after its own exit timeout and a margin. Its
    record and shared memory are removed, its log stays. Stopping one that is gone only cleans
    up. A process that is not ours is never touched.
    """
    folder = RunFolder(Path(endpoint.log).parent)
    limit = endpoint.exit_timeout_s + STOP_MARGIN_S if grace_s is None else grace_s
    try:
        return process(endpoint).end(limit)
    finally:
        # When a server crashes, its Python models' processes don't always notice.
        shell.end_session(endpoint.pid, having=f"{MARK}={folder.path}")
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
        {service: options.port(service) for service in SERVICES},
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


def asked_to_end(endpoint: Endpoint) -> bool:
    """Return whether a server was told to stop, by whomever."""
    from tritongen.parts.engines.log import text_of

    return ASKED.search(text_of(Path(endpoint.log))) is not None


def end_of(endpoint: Endpoint) -> EngineError | None:
    """Say how a server ended that was serving; ``None`` if it was asked to."""
    if asked_to_end(endpoint):
        return None
    from tritongen.parts.engines.log import last_lines

    how = shell.how_it_ended(process(endpoint).exit_code())
    return EngineError(
        f"the server ended while it was serving ({how})",
        fix=f"read its log: {endpoint.log}",
        log=last_lines(Path(endpoint.log)),
    )
