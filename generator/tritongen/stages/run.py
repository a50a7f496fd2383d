"""Where it serves: a server that runs as long as a ``with`` block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tritongen.parts.engines import embedded
from tritongen.parts.engines.embedded import Serving
from tritongen.records.endpoint import Endpoint

if TYPE_CHECKING:
    from tritongen.parts.engines.log import LoadProgress


@contextmanager
def run(
    serving: Serving, watch: Callable[["LoadProgress"], None] = lambda progress: None
) -> Iterator[Endpoint]:
    """Serve on the embedded engine, all models ready; stopped at the end of the block.

    Call it from a thread that lives as long as the block. Raises what ``embedded.start`` raises.
    """
    endpoint = embedded.start(serving, watch)
    try:
        yield endpoint
    finally:
        embedded.stop(endpoint)
