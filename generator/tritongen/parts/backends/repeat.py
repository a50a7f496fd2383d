"""Triton's example of a decoupled backend: each element of IN becomes a response."""

from tritongen.parts.backends._backend import Backend
from tritongen.parts.backends._fixed import exactly

BACKEND = Backend(
    name="repeat",
    completes=False,
    batches="never",
    decoupled=True,
    errors=exactly(
        "repeat",
        {"IN": "INT32[-1]", "DELAY": "UINT32[-1]", "WAIT": "UINT32[1]"},
        {"OUT": "INT32[1]", "IDX": "UINT32[1]"},
    ),
)
