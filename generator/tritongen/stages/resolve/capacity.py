"""How much memory and time the models of a stack's Triton need, estimated from what is known."""

from collections.abc import Iterator, Mapping

from tritongen.parts import backends
from tritongen.records.instances import instances
from tritongen.records.messages import ModelConfig, ModelInput, ModelOutput
from tritongen.records.plan import PlannedModel
from tritongen.records.tree import Copy
from tritongen.records.views import shared_memory_bytes, size_bytes

MiB = 1 << 20
GiB = 1 << 30

DOCKER_SHM_BYTES = 64 * MiB
"""What a container has in /dev/shm unless told otherwise."""
FRAMEWORK_SHM_BYTES = GiB
"""What NVIDIA's documentation asks for where processes of PyTorch talk with each other."""
FRAMEWORKS = frozenset({"pytorch", "vllm", "tensorrtllm"})
LANGUAGE_MODELS = frozenset({"vllm", "tensorrtllm"})

SERVER_BYTES = 2 * GiB
"""Triton itself with its backends' libraries and the requests on their way."""
PYTHON_BYTES = GiB // 2
"""A Python model's process with NumPy and the like."""
WEIGHTS = 3
"""A model in memory: its weights, what the runtime makes of them, and once more for activations."""

START_S = 60
"""Until Triton answers without models, on a machine that is busy starting everything else."""
READ_BYTES_PER_S = 50 * MiB
"""A slow network disk."""
PYTHON_START_S = 5
"""Triton starts the processes of Python models a few at a time; each imports its libraries."""
ENGINE_START_S = 600
"""TensorRT builds an engine for each model at its first load."""
LANGUAGE_MODEL_START_S = 600
"""Weights are fetched, compiled and warmed up by the engine itself."""

RETRY_BYTES = (64 << 10, MiB)
RETRY_UNKNOWN_BYTES = 256 << 10
"""Where an input's size varies."""


def shm_bytes(models: Mapping[str, PlannedModel], largest_request: int) -> int:
    """Return the size of /dev/shm: in whole 64 MiB, and at least Docker's own.

    Python models take :func:`shared_memory_bytes` each; one of them with a tensor whose size is
    not fixed also the largest request that gets in, there and back, for each of its instances.
    """
    need = 0
    for config in _configs(models):
        if backends.name_of(config) == "python":
            need += shared_memory_bytes(config)
            need += 2 * largest_request * instances(config) * _varies(config)
    if FRAMEWORKS & names(models):
        need = max(need, FRAMEWORK_SHM_BYTES)
    return max(_up(need, DOCKER_SHM_BYTES), DOCKER_SHM_BYTES)


def memory_bytes(models: Mapping[str, PlannedModel], shm: int) -> int | None:
    """Return how much memory a Triton may take, in whole 512 MiB; ``None`` if nothing tells.

    A limit is there to stop what runs away, so it is generous. /dev/shm counts towards it.
    """
    if LANGUAGE_MODELS & names(models):
        return None
    need = SERVER_BYTES + shm
    for model in _written(models):
        count = max(instances(model.config), 1)
        need += WEIGHTS * count * weight_bytes(model)
        need += count * PYTHON_BYTES * (backends.name_of(model.config) == "python")
    return _up(need, 512 * MiB)


def start_s(models: Mapping[str, PlannedModel]) -> int:
    """Return how long a Triton may take until it answers, in whole 10 seconds.

    The health check counts no failure until then; a server that is ready sooner counts at once.
    """
    need = float(START_S)
    for model in _written(models):
        need += weight_bytes(model) / READ_BYTES_PER_S
        if backends.name_of(model.config) == "python":
            need += PYTHON_START_S * instances(model.config)
        if _builds_engine(model.config):
            need += ENGINE_START_S
    if LANGUAGE_MODELS & names(models):
        need += LANGUAGE_MODEL_START_S
    return int(_up(need, 10))


def weight_bytes(model: PlannedModel) -> int:
    """Return the size of the files that are placed for a model."""
    return sum(each.size_bytes for each in model.content.values() if isinstance(each, Copy))


def retry_bytes(models: Mapping[str, PlannedModel]) -> int:
    """Return the size of the largest request with one row, as a power of two within bounds.

    The gateway copies a buffer of this size for each request that it passes on.
    """
    rows = [[size_bytes(tensor) for tensor in model.config.input] for model in models.values()]
    need = max((sum(size or 0 for size in row) for row in rows), default=0)
    if any(None in row for row in rows):
        need = max(need, RETRY_UNKNOWN_BYTES)
    return min(max(1 << max(need - 1, 0).bit_length(), RETRY_BYTES[0]), RETRY_BYTES[1])


def names(models: Mapping[str, PlannedModel]) -> frozenset[str]:
    """Return the backends that the models need."""
    return frozenset(name for config in _configs(models) if (name := backends.name_of(config)))


def _written(models: Mapping[str, PlannedModel]) -> Iterator[PlannedModel]:
    return (each for each in models.values() if each.kind in ("model", "step"))


def _configs(models: Mapping[str, PlannedModel]) -> Iterator[ModelConfig]:
    return (each.config for each in _written(models))


def _varies(config: ModelConfig) -> bool:
    declared: list[ModelInput | ModelOutput] = [*config.input, *config.output]
    return any(size_bytes(tensor) is None for tensor in declared)


def _builds_engine(config: ModelConfig) -> bool:
    gpu = config.optimization.execution_accelerators.gpu_execution_accelerator
    return any(each.name == "tensorrt" for each in gpu)


def _up(number: float, step: int) -> int:
    return -int(-number // step) * step
