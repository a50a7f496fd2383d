"""Loads changed models into a running Triton, where they are controlled explicitly."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tritongen.errors import EngineError
from tritongen.parts.engines.compose import Ops
from tritongen.parts.engines.troubles import failed_models
from tritongen.records.manifest import Manifest
from tritongen.records.plan import Plan
from tritongen.stages.rollout.files import changed_models, models_of
from tritongen.triton import TritonError

LOAD_S = 600.0
CUT = re.compile(r"GOAWAY|Stream removed|RST_STREAM|Socket closed")
FAILED = re.compile(
    r"^load failed for model '.*?': (?:version \d+ is at \w+ state: )?(?P<why>.*?)[;\s]*$", re.S
)
EVERY_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Control:
    """Which models differ between the old files and the new ones.

    ``changed`` are other than before and ``new`` were not there, both in an order in which steps
    come before the ensembles that call them; ``gone`` are there no more.
    """

    changed: Sequence[str]
    new: Sequence[str]
    gone: Sequence[str]

    def forth(self, ops: Ops, address: str) -> None:
        """Load what changed and unload what is gone; the old one serves until the new is ready."""
        _apply(ops, address, load=(*self.changed, *self.new), unload=self.gone)

    def back(self, ops: Ops, address: str) -> None:
        """Load again what was changed, from the old files."""
        _apply(ops, address, load=(*self.changed, *self.gone), unload=self.new)


def control(plan: Plan, before: Manifest, after: Manifest) -> Control:
    """Return what an explicitly controlled Triton is told so that it serves the plan."""
    changed, gone = changed_models(before, after)
    old = models_of(before)
    return Control(
        changed=[name for name in plan.models if name in changed and name in old],
        new=[name for name in plan.models if name in changed and name not in old],
        gone=gone,
    )


def _apply(ops: Ops, address: str, *, load: Sequence[str], unload: Sequence[str]) -> None:
    from tritonclient.grpc import service_pb2 as pb

    for model in load:
        _load(ops, address, model)
    for model in reversed(unload):
        request = pb.RepositoryModelUnloadRequest(model_name=model)
        ops.call(address, request, pb.RepositoryModelUnloadResponse, timeout_s=LOAD_S)
    _wait(ops, address, load)


def _load(ops: Ops, address: str, model: str) -> None:
    """Load a model, however long that takes.

    Triton ends connections that grow old, and with them a call that lasts longer, but not the load.
    The same call again waits for it, and does nothing more once it is done.
    """
    from tritonclient.grpc import service_pb2 as pb

    request = pb.RepositoryModelLoadRequest(model_name=model)
    deadline = time.monotonic() + LOAD_S
    while True:
        try:
            ops.call(address, request, pb.RepositoryModelLoadResponse, timeout_s=LOAD_S)
            return
        except TritonError as error:
            if not CUT.search(error.message) or time.monotonic() > deadline:
                raise _failed(model, error) from error


def _failed(model: str, error: TritonError) -> EngineError:
    match = FAILED.search(error.message)
    why = match["why"] if match else error.message
    return failed_models({model: why}, "see what Triton says: tritongen logs", contained=True)


def _wait(ops: Ops, address: str, models: Sequence[str]) -> None:
    """Wait until these are ready and older versions have gone."""
    from tritonclient.grpc import service_pb2 as pb

    deadline = time.monotonic() + LOAD_S
    while True:
        answer = ops.call(address, pb.RepositoryIndexRequest(), pb.RepositoryIndexResponse)
        rows = [row for row in answer.models if row.name in models]
        bad = [row for row in rows if row.state == "UNAVAILABLE" and row.reason != "unloaded"]
        if bad:
            raise EngineError(f"{bad[0].name} did not load: {bad[0].reason}")
        if all(row.state in {"READY", "UNAVAILABLE"} for row in rows):
            return
        if time.monotonic() > deadline:
            raise EngineError(f"{rows[0].name} did not become ready in {LOAD_S:g} s")
        time.sleep(EVERY_S)
