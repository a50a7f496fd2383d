"""Triton's example of a decoupled backend: IN comes back as many times as it says."""

from tritongen.parts.backends._backend import TEXT, Backend
from tritongen.parts.backends._fixed import exactly

BACKEND = Backend(
    name="square",
    completes=False,
    decoupled=True,
    parameters=dict.fromkeys(
        (
            "CUSTOM_INFER_DELAY_NS",
            "CUSTOM_OUTPUT_DELAY_NS",
            "CUSTOM_FAIL_COUNT",
            "CUSTOM_EMPTY_COUNT",
        ),
        TEXT,
    ),
    errors=exactly("square", {"IN": "INT32[1]"}, {"OUT": "INT32[1]"}),
)
