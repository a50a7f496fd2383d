"""What tests measure, printed at the end whether they pass or not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

MEASURED: list[str] = []


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Measure how long the block takes, in seconds."""
    began = time.monotonic()
    yield
    measured(f"{what}: {time.monotonic() - began:.1f} s")


def measured(line: str) -> None:
    """Have a line printed at the end."""
    MEASURED.append(line)
