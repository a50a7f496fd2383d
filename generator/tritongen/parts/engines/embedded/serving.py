"""Turns what to serve into tritonserver's options and environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tritongen.parts.engines.embedded.installation import Installation
from tritongen.parts.engines.embedded.options import Options
from tritongen.parts.engines.runfolder import RunFolder
from tritongen.records.release import Release

RELEASE = "24.10"
"""The release whose tritonserver the wheel holds."""

MARK = "TRITONGEN_RUN"
"""Names the run folder in the environment of all that runs for it."""

EXIT_TIMEOUT_S = 10


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What to serve and how; ``server`` and ``options`` are arguments of tritonserver.

    ``server`` are those of the spec, ``options`` those that the user gave and win over all else.
    ``root`` is the folder whose ``.tritongen/run`` the server's files go to. ``usual_ports`` tries
    8000 to 8002 before any free ones.
    ``tied``: the server ends when the calling thread ends. ``timeout_s`` is how long nothing may
    happen before it is ready.
    """

    root: Path
    repository: Path
    release: Release
    environment: Mapping[str, str]
    options: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    auto_complete: bool = True
    usual_ports: bool = True
    tied: bool = True
    timeout_s: float = 120.0


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
    }
    for service, port in ports.items():
        options[f"{service}-address"] = "127.0.0.1"
        options[f"{service}-port"] = str(port)
    if not serving.auto_complete:
        options["disable-auto-complete-config"] = None
    if not Path("/dev/nvidiactl").exists():
        options["pinned-memory-pool-byte-size"] = "0"
    return options


def server_environment(
    environment: Mapping[str, str], wheel: Installation, folder: RunFolder
) -> dict[str, str]:
    """Return the environment in which the server and its Python models find their libraries.

    ``AIP_MODE``, which Vertex AI sets, would turn off the services that are waited for.
    """
    libraries = [wheel.library_path, environment.get("LD_LIBRARY_PATH", "")]
    return {
        **{name: value for name, value in environment.items() if name != "AIP_MODE"},
        MARK: str(folder.path),
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
