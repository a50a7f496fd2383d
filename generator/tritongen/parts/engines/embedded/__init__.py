"""The embedded engine: the real tritonserver of the 24.10 release, from PyPI's nvidia-pytriton."""

from tritongen.parts.engines.embedded.log import Line, LoadProgress, LogReader
from tritongen.parts.engines.embedded.record import find, process, run_folder
from tritongen.parts.engines.embedded.server import end_of, refuse_second, start, stop
from tritongen.parts.engines.embedded.serving import RELEASE, Serving

__all__ = [
    "RELEASE",
    "Line",
    "LoadProgress",
    "LogReader",
    "Serving",
    "end_of",
    "find",
    "process",
    "refuse_second",
    "run_folder",
    "start",
    "stop",
]
