"""The embedded engine: the real tritonserver of the 24.10 release, from PyPI's nvidia-pytriton."""

from tritongen.parts.engines.embedded.options import resolved
from tritongen.parts.engines.embedded.record import find, process
from tritongen.parts.engines.embedded.server import end_of, refuse_second, start, stop
from tritongen.parts.engines.embedded.serving import RELEASE, Serving

__all__ = [
    "RELEASE",
    "Serving",
    "end_of",
    "find",
    "process",
    "refuse_second",
    "resolved",
    "start",
    "stop",
]
