"""Waits until a server is ready, or knows why it will not be."""

import time
from collections.abc import Callable
from pathlib import Path

from tritongen.errors import TritongenError
from tritongen.parts.engines.embedded.options import SERVICES, Options
from tritongen.parts.engines.embedded.record import process
from tritongen.parts.engines.embedded.serving import control_mode
from tritongen.parts.engines.log import LoadProgress, LogReader
from tritongen.records.endpoint import Endpoint

STARTED = {
    "http": "Started HTTPService at",
    "grpc": "Started GRPCInferenceService at",
    "metrics": "Started Metrics Service at",
}


def wait_until_ready(
    endpoint: Endpoint,
    options: Options,
    timeout_s: float,
    watch: Callable[[LoadProgress], None],
) -> None:
    """Return when the server answers and no model has failed; else raise ``EngineError``."""
    progress = follow_log(endpoint, options, timeout_s, watch)
    if all_loaded(endpoint, options, progress):
        return
    # Imported now, like what explains a failure: while it loads its models the server needs the
    # processors for itself.
    from tritongen.parts.engines.embedded.reasons import failed_models
    from tritongen.parts.engines.embedded.states import failures
    from tritongen.triton import Triton

    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        failed = failures(triton.index(), options, progress)
    if failed and options.values.get("exit-on-error", "true").lower() in {"true", "1"}:
        raise failed_models(failed, endpoint)


def all_loaded(endpoint: Endpoint, options: Options, progress: LoadProgress) -> bool:
    """Tell whether the log names every model of the repository as loaded: no need to ask then.

    The client takes longer to import than a server to answer its first request.
    """
    if control_mode(options) != "none" or "model-repository" in options.values:
        return False
    folders = {entry.name for entry in Path(endpoint.repository).iterdir() if entry.is_dir()}
    return not progress.failed and folders <= progress.ready.keys()


def follow_log(
    endpoint: Endpoint,
    options: Options,
    timeout_s: float,
    watch: Callable[[LoadProgress], None],
) -> LoadProgress:
    """Return what the log says of the models once all services have started.

    Raises ``EngineError`` when that will not happen: the server ended, or nothing moves.
    """
    reader, progress = LogReader(Path(endpoint.log)), LoadProgress()
    waiting = {STARTED[service] for service in SERVICES if not options.off(service)}
    moved = time.monotonic()
    while waiting:
        alive = process(endpoint).alive()
        if lines := reader.new_lines():
            moved = time.monotonic()
            for line in lines:
                progress.take(line)
                waiting -= {mark for mark in waiting if mark in line.text}
            watch(progress)
        if progress.hopeless or not alive or time.monotonic() - moved > timeout_s:
            raise refusal(endpoint, progress, alive=alive, timeout_s=timeout_s)
        time.sleep(0.02)
    return progress


def refusal(
    endpoint: Endpoint, progress: LoadProgress, *, alive: bool, timeout_s: float
) -> TritongenError:
    """Return why the server will not become ready."""
    from tritongen.parts.engines.embedded.reasons import failed_models, hung, server_ended

    if progress.hopeless:
        return failed_models({**progress.failed, **progress.hopeless}, endpoint)
    if not alive:
        return server_ended(process(endpoint).exit_code(), progress, endpoint)
    return hung(progress, timeout_s, endpoint)
