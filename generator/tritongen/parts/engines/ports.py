"""Ports: which are free, and who has one that is not."""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tritongen import shell
from tritongen.errors import HostError


def choose_ports(
    wanted: Mapping[str, int | None], hosts: Mapping[str, str], usual: Mapping[str, int]
) -> dict[str, int]:
    """Return a port for each service: the wanted one, else the usual one, else any free one.

    ``usual`` may be empty: any free ones then. Raises ``HostError`` if a wanted port is taken.
    """
    said = [port for port in wanted.values() if port]
    ports = {service: port for service, port in wanted.items() if port}
    for service, port in ports.items():
        if not free(hosts[service], port):
            raise taken(service, port)
    with ExitStack() as held:
        for service in wanted.keys() - ports.keys():
            port = usual.get(service, 0)
            if not port or port in said or not free(hosts[service], port):
                port = any_free(hosts[service], held)
            ports[service] = port
    return ports


def free(host: str, port: int) -> bool:
    """Return whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def any_free(host: str, held: ExitStack) -> int:
    """Return a port that the kernel gives away; ``held`` keeps it from being given twice."""
    probe = held.enter_context(socket.socket())
    probe.bind((host, 0))
    port: int = probe.getsockname()[1]
    return port


def taken(service: str, port: int) -> HostError:
    """Return the refusal for a port that another program has."""
    owner = owner_of(port)
    return HostError(
        f"port {port} for {service} is taken" + (f" by {owner}" if owner else ""),
        fix="stop that program, or say another port in the spec "
        f"(server: {{{service}_port: N}}) or after `--` (--{service}-port=N)",
    )


def owner_of(port: int) -> str | None:
    """Return the program that listens on a port, as far as we may see it."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listeners(table, port)}
    links = {f"socket:[{inode}]" for inode in inodes}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and links & _open_files(folder / "fd"):
            return f"{shell.name(int(folder.name))} (pid {folder.name})"
    return None


def _listeners(table: str, port: int) -> list[str]:
    try:
        rows = Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]
    except OSError:
        return []
    columns = [row.split() for row in rows]
    return [c[9] for c in columns if c[3] == "0A" and int(c[1].rpartition(":")[2], 16) == port]


def _open_files(folder: Path) -> set[str]:
    found = set()
    try:
        for entry in folder.iterdir():
            found.add(str(entry.readlink()))
    except OSError:
        return found
    return found
