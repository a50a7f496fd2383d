"""Where it serves: a server that runs as long as a ``with`` block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tritongen.parts.engines import embedded
from tritongen.parts.engines.embedded import LoadProgress, Serving
from tritongen.records.endpoint import Endpoint


@contextmanager
def run(
    serving: Serving, watch: Callable[[LoadProgress], None] = lambda progress: None
) -> Iterator[Endpoint]:
    """Serve on the embedded engine, all models ready; stopped at the end of the block.

    Call it from a thread that lives as long as the block. Raises what ``embedded.start`` raises.
    """
    endpoint = embedded.start(serving, watch)
    try:
        yield endpoint
    finally:
        embedded.stop(endpoint)
