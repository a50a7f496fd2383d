"""Where a server answers, and how to find and stop it again."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A running Triton; addresses are ``host:port``, ``repository`` and ``log`` absolute paths.

    ``started`` is the server process's start time in clock ticks since boot (the kernel's), so
    that a pid used again by another program is not taken for ours. An address is empty where
    that service is turned off. ``exit_timeout_s`` is how long it may answer open requests after
    it was asked to stop. A stack in containers is no process of this machine: its ``pid`` is 0, and
    ``prometheus`` is the URL of what scrapes it.
    """

    engine: str
    http: str
    grpc: str
    metrics: str
    repository: str
    log: str
    pid: int
    started: int
    exit_timeout_s: int = 30
    prometheus: str = ""
