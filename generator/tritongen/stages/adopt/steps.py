"""The steps of an ensemble, wired by name: only what is called otherwise is said."""

from collections.abc import Mapping

from tritongen.formats.yaml import Value
from tritongen.records.messages import ModelConfig, ModelEnsembling


def say_steps(config: ModelConfig, members: Mapping[str, ModelConfig]) -> Value:
    """Return the spec's ``steps``; members that are not known have all their tensors said."""
    return [
        _say_step(step, members.get(step.model_name)) for step in config.ensemble_scheduling.step
    ]


def _say_step(step: ModelEnsembling.Step, member: ModelConfig | None) -> Value:
    inputs = {tensor.name for tensor in member.input} if member else set()
    outputs = [tensor.name for tensor in member.output] if member else []
    said: dict[str, Value] = {"model": step.model_name}
    if step.model_version != -1:
        said["version"] = str(step.model_version)
    if step.model_namespace:
        said["namespace"] = step.model_namespace
    renamed = {
        name: tensor
        for name, tensor in _ordered(step.input_map, member.input if member else ())
        if name != tensor or name not in inputs
    }
    if renamed:
        said["input"] = renamed
    same = all(name == tensor for name, tensor in step.output_map.items())
    if not same or set(step.output_map) != set(outputs):
        pairs = dict(_ordered(step.output_map, member.output if member else ()))
        said["output"] = list(pairs) if same and pairs else pairs
    return step.model_name if list(said) == ["model"] else said


def _ordered(mapped: Mapping[str, str], tensors: object) -> list[tuple[str, str]]:
    """Return a map in the order in which the member lists its tensors; maps have none."""
    names = [tensor.name for tensor in tensors]  # type: ignore[attr-defined]
    return sorted(
        mapped.items(), key=lambda pair: (names.index(pair[0]) if pair[0] in names else -1, pair)
    )
