"""``response_cache.local.size`` of the server: how many bytes of answers are kept."""

from typing import Any, Final

from tritongen.parts.parameters._parameter import NotAValueError, number
from tritongen.parts.serveroptions import CACHE_BYTES
from tritongen.records.server import LocalCache, ResponseCache, Server
from tritongen.records.tune import Value
from tritongen.records.units import SIZE, size

RESTART: Final = True


def parse(said: Any) -> int:
    """Read ``64MiB``."""
    fits = isinstance(said, str) and (SIZE.fullmatch(said) or said.isdecimal())
    if fits and 0 < size(said) < 1 << 50:
        return size(said)
    raise NotAValueError("a size, such as 64MiB")


def read(server: Server) -> int:
    """Return the size, the default where nothing is said."""
    cache = server.response_cache
    local = cache.local if cache else None
    return (local.size if local else None) or CACHE_BYTES


def write(server: Server, value: Value) -> Server:
    """Return the server with a cache of this size."""
    cache = ResponseCache(local=LocalCache(size=number(value)))
    return server.model_copy(update={"response_cache": cache})
