"""The embedded engine: the real tritonserver of the 24.10 release, from PyPI's nvidia-pytriton."""

from tritongen.parts.embedded.log import LoadProgress
from tritongen.parts.embedded.record import find, process, run_folder
from tritongen.parts.embedded.server import RELEASE, Serving, ended, start, stop

__all__ = [
    "RELEASE",
    "LoadProgress",
    "Serving",
    "ended",
    "find",
    "process",
    "run_folder",
    "start",
    "stop",
]
