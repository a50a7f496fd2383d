"""HAProxy's runtime API: which replicas it knows, and which of them get requests."""

import csv
import socket
from collections.abc import Mapping, Sequence
from typing import Any

TIMEOUT_S = 10.0
DRAINED = 0x01 | 0x08
"""Bits of a server's administrative state: taken out, or drained, by command."""


UNKNOWN = 0x20
"""The bit of one whose replica's name leads nowhere any more; it keeps its last address."""


class Gateway:
    """A HAProxy at a Unix socket; remembers what it was told, to give it back."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._taken: dict[tuple[str, str], None] = {}

    def servers(self) -> Sequence[Mapping[str, Any]]:
        """Return every slot for a replica; ``address`` is empty while there is none for it."""
        lines = self._ask("show servers state").splitlines()
        names = lines[1].removeprefix("# ").split()
        return [
            _server(dict(zip(names, line.split(" "), strict=False))) for line in lines[2:] if line
        ]

    def set(self, state: str, servers: Sequence[Sequence[str]]) -> Mapping[str, Any]:
        """Set servers to ``drain`` (no new requests), ``maint`` (no connections) or ``ready``."""
        for backend, server in servers:
            said = self._ask(f"set server {backend}/{server} state {state}").strip()
            if said:
                raise ValueError(f"{backend}/{server}: {said}")
            if state == "ready":
                self._taken.pop((backend, server), None)
            else:
                self._taken[backend, server] = None
        return {}

    def busy(self) -> Mapping[str, int]:
        """Return how many requests each server has under way or waiting for it."""
        rows = csv.DictReader(self._ask("show stat -1 4 -1").removeprefix("# ").splitlines())
        return {
            f"{row['pxname']}/{row['svname']}": int(row["scur"] or 0) + int(row["qcur"] or 0)
            for row in rows
        }

    def give_back(self) -> None:
        """Let every server that was taken get requests again."""
        if self._taken:
            self.set("ready", list(self._taken))

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(self.path)
            connection.sendall(command.encode() + b"\n")
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()


def _server(row: Mapping[str, str]) -> Mapping[str, Any]:
    admin = int(row["srv_admin_state"])
    gone = row["srv_addr"] == "-" or admin & UNKNOWN
    return {
        "backend": row["be_name"],
        "server": row["srv_name"],
        "address": "" if gone else row["srv_addr"],
        "up": row["srv_op_state"] == "2",
        "drained": bool(admin & DRAINED),
    }
