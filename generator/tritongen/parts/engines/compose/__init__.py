"""The compose engine: the whole stack in containers, by the Docker of this machine."""

from tritongen.parts.engines.compose.containers import Container, containers, of_service
from tritongen.parts.engines.compose.definition import Definition, definition
from tritongen.parts.engines.compose.docker import Docker
from tritongen.parts.engines.compose.inside import Inside
from tritongen.parts.engines.compose.ops import Ops, Slot, ops
from tritongen.parts.engines.compose.stack import (
    CLEAR,
    Compose,
    Starting,
    add,
    config_of,
    missing,
    prepare,
    remove,
    running,
    start,
)
from tritongen.parts.engines.compose.waiting import Scene, wait_for_one

__all__ = [
    "CLEAR",
    "Compose",
    "Container",
    "Definition",
    "Docker",
    "Inside",
    "Ops",
    "Scene",
    "Slot",
    "Starting",
    "add",
    "config_of",
    "containers",
    "definition",
    "missing",
    "of_service",
    "ops",
    "prepare",
    "remove",
    "running",
    "start",
    "wait_for_one",
]
