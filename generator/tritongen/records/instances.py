"""How many instances of a model Triton makes."""

from tritongen.records.messages import ModelConfig

CPU_INSTANCES = {"python": 1, "onnxruntime": 2}
"""How many instances Triton makes on a CPU if the configuration does not say; others have 1."""


def instances(config: ModelConfig) -> int:
    """Return how many instances a model has: those of its groups, on each GPU that they name."""
    if config.HasField("ensemble_scheduling"):
        return 0
    groups = list(config.instance_group)
    if not groups:
        return CPU_INSTANCES.get(config.backend, 1)
    return sum(max(group.count, 1) * max(len(group.gpus), 1) for group in groups)
