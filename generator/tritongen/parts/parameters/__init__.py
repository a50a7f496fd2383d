"""Parameters that a search may move: a module or a value each, under the path of it in a spec.

Those of models read and write a ``ModelConfig``; those of the server return another ``Server``.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from tritongen.parts.parameters import (
    cache_size,
    instance_count,
    instance_kind,
    max_batch_size,
    preferred_batch_size,
    queue_delay,
    response_cache,
)
from tritongen.parts.parameters._onnxruntime import EXECUTION_MODE, INTRA_OP_THREADS
from tritongen.parts.parameters._parameter import Known, NotAValueError, Parameter
from tritongen.records.server import Server
from tritongen.records.tune import Value

__all__ = ["MODEL", "SERVER", "Known", "NotAValueError", "OfServer", "Parameter"]


class OfServer(Protocol):
    """A parameter of the server itself; all of them need a restart."""

    def parse(self, said: Any) -> Value:
        """Return the value that a spec's text means; :class:`NotAValueError` if none."""

    def read(self, server: Server) -> Value:
        """Return what the server has now."""

    def write(self, server: Server, value: Value) -> Server:
        """Return the server with another value."""


MODEL: Mapping[str, Parameter] = {
    "max_batch_size": max_batch_size,
    "dynamic_batching.max_queue_delay_microseconds": queue_delay,
    "dynamic_batching.preferred_batch_size": preferred_batch_size,
    "instance_group.count": instance_count,
    "instance_group.kind": instance_kind,
    "parameters.intra_op_thread_count": INTRA_OP_THREADS,
    "parameters.execution_mode": EXECUTION_MODE,
    "response_cache.enable": response_cache,
}
"""By path, in the order in which a setting writes them: a batch size before what it caps."""

SERVER: Mapping[str, OfServer] = {"response_cache.local.size": cache_size}
