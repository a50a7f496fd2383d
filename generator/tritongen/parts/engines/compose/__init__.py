"""The compose engine: the whole stack in containers, by the Docker of this machine."""

from tritongen.parts.engines.compose.containers import Container, containers, of_service
from tritongen.parts.engines.compose.definition import definition
from tritongen.parts.engines.compose.docker import Docker
from tritongen.parts.engines.compose.ops import Ops, Slot, ops
from tritongen.parts.engines.compose.stack import (
    CLEAR,
    Compose,
    Starting,
    add,
    config_of,
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
    "Docker",
    "Ops",
    "Scene",
    "Slot",
    "Starting",
    "add",
    "config_of",
    "containers",
    "definition",
    "of_service",
    "ops",
    "prepare",
    "remove",
    "running",
    "start",
    "wait_for_one",
]
