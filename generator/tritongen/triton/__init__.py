"""The one client of a running Triton: model control (gRPC), statistics, inference."""

from tritongen.triton.client import Protocol, Triton
from tritongen.triton.failure import TritonError, UnreachableError
from tritongen.triton.inference import Request
from tritongen.triton.records import (
    Metadata,
    ModelState,
    Response,
    Statistics,
    Tensor,
    together,
)

__all__ = [
    "Metadata",
    "ModelState",
    "Protocol",
    "Request",
    "Response",
    "Statistics",
    "Tensor",
    "Triton",
    "TritonError",
    "UnreachableError",
    "together",
]
