"""Views of a plan that several lints read: declared tensors beside what the file says of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

from google.protobuf.message import Message

from tritongen.records.facts import ModelFacts, TensorFacts
from tritongen.records.finding import SpecPath
from tritongen.records.instances import instances
from tritongen.records.messages import DataType, ModelConfig, ModelInput, ModelOutput
from tritongen.records.plan import Plan, PlannedModel, Wire
from tritongen.records.spec import VERSION


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A tensor of a configuration that the model's file has, too."""

    model: PlannedModel
    section: Literal["input", "output"]
    path: SpecPath
    tensor: ModelInput | ModelOutput
    facts: TensorFacts

    @property
    def config(self) -> ModelConfig:
        """The model's configuration."""
        return self.model.config

    @property
    def label(self) -> str:
        """The tensor as messages name it."""
        return f"{self.section} {self.tensor.name!r} of {self.model.name}"


def models_with_files(plan: Plan) -> Iterator[tuple[PlannedModel, int, ModelFacts]]:
    """Yield each version of each model whose file was read."""
    for name, versions in plan.facts.models.items():
        for version, facts in versions.items():
            if facts.inputs is not None:
                yield plan.models[name], version, facts


def tensors(
    plan: Plan, model: PlannedModel
) -> Iterator[tuple[str, SpecPath, ModelInput | ModelOutput]]:
    """Yield every declared tensor as (``input`` or ``output``, its path in the spec, itself)."""
    inputs: list[ModelInput | ModelOutput] = list(model.config.input)
    outputs: list[ModelInput | ModelOutput] = list(model.config.output)
    for section, declared in (("input", inputs), ("output", outputs)):
        for number, tensor in enumerate(declared):
            # In a list a tensor stands under its number, in a mapping under its name.
            listed = (*model.path, section, number)
            path = listed if listed in plan.places.by_path else (*listed[:-1], tensor.name)
            yield section, path, tensor


def declared_tensors(plan: Plan) -> Iterator[Declared]:
    """Yield the declared tensors that the file has, too."""
    for model, _, facts in models_with_files(plan):
        for section, path, tensor in tensors(plan, model):
            known = (facts.inputs if section == "input" else facts.outputs) or ()
            for fact in known:
                if fact.name == tensor.name:
                    yield Declared(
                        model=model,
                        section="input" if section == "input" else "output",
                        path=path,
                        tensor=tensor,
                        facts=fact,
                    )


def is_tensorrt(config: ModelConfig) -> bool:
    """Tell whether a model is an engine of TensorRT, which may do what others may not."""
    return "tensorrt" in (config.backend, config.platform.removesuffix("_plan"))


def size_bytes(tensor: ModelInput | ModelOutput) -> int | None:
    """Return the size of one row of a tensor, ``None`` if it varies."""
    bits = re.search(r"\d+$", DataType.Name(tensor.data_type))
    if tensor.data_type == DataType.TYPE_BOOL:
        return None if -1 in tensor.dims else prod(tensor.dims)
    if bits is None or -1 in tensor.dims:
        return None
    return prod(tensor.dims) * int(bits[0]) // 8


PYTHON_INSTANCE_BYTES = 1 << 20


def shared_memory_bytes(config: ModelConfig) -> int:
    """Return what a Python model takes of /dev/shm, as far as its tensors' sizes are fixed.

    The Python backend's process for each instance maps 1 MiB (``shm-default-byte-size``) and grows
    to hold what is on its way in and out: a batch that is computed, and one that is read or
    answered meanwhile. What it has grown to it keeps.
    """
    rows = max(config.max_batch_size, 1)
    declared: list[ModelInput | ModelOutput] = [*config.input, *config.output]
    batch = rows * sum(size_bytes(tensor) or 0 for tensor in declared)
    return instances(config) * (PYTHON_INSTANCE_BYTES + 2 * batch)


def wires_of(plan: Plan) -> dict[str, list[Wire]]:
    """Return the wires of each ensemble that has any."""
    wires: dict[str, list[Wire]] = {}
    for wire in plan.wires:
        wires.setdefault(wire.ensemble, []).append(wire)
    return wires


def scheduled(config: ModelConfig) -> set[str]:
    """Name the tensors that Triton feeds or keeps itself; they are not listed as inputs."""
    names = {name for item in config.batch_input for name in item.target_name}
    names |= {control.name for control in config.sequence_batching.control_input}
    for state in config.sequence_batching.state:
        names |= {state.input_name, state.output_name}
    return names


def used_fields(message: Message, prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every field that is set, lists and maps without their indices."""
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        yield path
        if field.message_type is None:
            continue
        if hasattr(value, "values"):
            inner = [item for item in value.values() if isinstance(item, Message)]
        else:
            inner = list(value) if hasattr(value, "extend") else [value]
        for item in inner:
            yield from used_fields(item, f"{path}.")


def versions(model: PlannedModel) -> set[int]:
    """Return the versions that have a folder."""
    folders = {path.split("/")[0] for path in model.content if "/" in path}
    return {int(folder) for folder in folders if VERSION.fullmatch(folder)}


def served(model: PlannedModel) -> set[int]:
    """Return the versions that the model's version policy lets Triton load."""
    there = versions(model)
    policy = model.config.version_policy
    if policy.HasField("all"):
        return there
    if policy.HasField("specific"):
        return there & set(policy.specific.versions)
    count = policy.latest.num_versions if policy.HasField("latest") else 1
    return set(sorted(there, reverse=True)[:count])


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Two declarations of one ensemble tensor: what Triton saw first, and another end of it."""

    path: SpecPath
    tensor: str
    first: ModelInput | ModelOutput
    first_label: str
    first_batches: bool
    second: ModelInput | ModelOutput
    second_label: str
    second_batches: bool


def edges(plan: Plan) -> Iterator[Edge]:
    """Yield every pair of ends that Triton compares, the earlier one first.

    Triton takes the ensemble's own declaration of a tensor, else the first step's that maps it,
    and compares each later one with that.
    """
    for ensemble in plan.models.values():
        own: list[ModelInput | ModelOutput] = [*ensemble.config.input, *ensemble.config.output]
        batches = ensemble.config.max_batch_size > 0
        seen: dict[str, tuple[ModelInput | ModelOutput, str, bool]] = {}
        for tensor in own:
            seen.setdefault(
                tensor.name, (_reshaped(tensor), f"{ensemble.name}.{tensor.name}", batches)
            )
        for number, step in enumerate(ensemble.config.ensemble_scheduling.step):
            member = plan.models[step.model_name].config
            for section, mapped, declared in (
                ("input", step.input_map, member.input),
                ("output", step.output_map, member.output),
            ):
                for tensor in declared:
                    if tensor.name not in mapped:
                        continue
                    label = f"{step.model_name}.{tensor.name}"
                    end = (tensor, label, member.max_batch_size > 0)
                    first = seen.setdefault(mapped[tensor.name], end)
                    if first is not end:
                        yield Edge(
                            path=(*ensemble.path, "steps", number, section, tensor.name),
                            tensor=mapped[tensor.name],
                            first=first[0],
                            first_label=first[1],
                            first_batches=first[2],
                            second=tensor,
                            second_label=label,
                            second_batches=end[2],
                        )


def _reshaped(tensor: ModelInput | ModelOutput) -> ModelInput | ModelOutput:
    """Return an ensemble's tensor as its steps see it."""
    if not tensor.HasField("reshape"):
        return tensor
    kind = type(tensor)
    return kind(name=tensor.name, data_type=tensor.data_type, dims=tensor.reshape.shape)
