"""The compose engine: the whole stack in containers, by the Docker of this machine."""

from tritongen.parts.engines.compose.containers import Container
from tritongen.parts.engines.compose.docker import Docker
from tritongen.parts.engines.compose.stack import CLEAR, Compose, Starting, running, start
from tritongen.parts.engines.compose.waiting import Scene

__all__ = ["CLEAR", "Compose", "Container", "Docker", "Scene", "Starting", "running", "start"]
