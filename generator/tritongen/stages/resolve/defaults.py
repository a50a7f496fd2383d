"""Every value that is chosen when nothing is said, with its reason."""

from tritongen.records.finding import SpecPath
from tritongen.records.plan import Decision

MAX_BATCH_SIZE = 4
AUTO_COMPLETE = "(Triton's manual, «Default Max Batch Size and Dynamic Batcher»)"
BATCHES = (
    "the model can batch; 4 with a dynamic batcher is what Triton's own auto-complete chooses "
    + AUTO_COMPLETE
)
CANNOT_BATCH = "a tensor's first dimension is not dynamic, so requests can't be joined"
FULL_SHAPES = "the tensors are written with the batch dimension, as Triton wants without batching"
OTHER_SCHEDULER = "a sequence batcher schedules this model"
GENERATOR = "a generator function answers one request at a time"
UNKNOWN_TENSORS = "the file can't be read here, and Triton fills in what it finds"
UNREAD = "the file can't be read here, so nothing tells that it can batch"
HAS_TO_BATCH = (
    f"the backend loads only models that batch; 4 is Triton's own default {AUTO_COMPLETE}"
)
STEP_BATCHES = (
    "the runner joins a batch into one call, which is faster (measured by "
    f"benchmarks/plain_step.py); 4 is Triton's own default {AUTO_COMPLETE}"
)
SMALLEST_STEP = "the smallest of the steps' limits: a larger one would be refused by Triton"
NO_STEP_BATCHES = "a step that does not batch is among the steps"


def default(path: SpecPath, value: object, why: str) -> Decision:
    """Record a value that nobody asked for."""
    return Decision(path=path, value=str(value), source="default", why=why)


def from_file(path: SpecPath, value: object, why: str) -> Decision:
    """Record a value that the model file gave."""
    return Decision(path=path, value=str(value), source="file", why=why)


def wired(path: SpecPath, value: object, why: str) -> Decision:
    """Record a value that follows from how an ensemble's tensors connect."""
    return Decision(path=path, value=str(value), source="wiring", why=why)


def said(path: SpecPath, value: object) -> Decision:
    """Record a value that the spec gives."""
    return Decision(path=path, value=str(value), source="spec", why="")
