"""A model's entry and what its file says become a complete ``ModelConfig``."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import Message

from tritongen.parts import backends
from tritongen.records.facts import Facts, ModelFacts, StepFacts, TensorFacts
from tritongen.records.finding import Finding, Places
from tritongen.records.messages import DataType, ModelConfig, ModelInput, ModelOutput
from tritongen.records.plan import Decision, PlannedModel, short
from tritongen.records.spec import Model
from tritongen.stages.resolve import defaults
from tritongen.stages.resolve.content import model_content


def complete(
    name: str, entry: Model, facts: Facts, places: Places
) -> tuple[PlannedModel, list[Decision], list[Finding]]:
    """Fill in what was not said, and say what was chosen and why."""
    path = ("models", name)
    config = ModelConfig()
    config.CopyFrom(entry.config)
    config.name = name
    decisions = [
        defaults.said((*path, field), _brief(getattr(config, field)))
        for field in sorted(entry.said)
        if field != "name"
    ]
    step = facts.steps.get(name)
    versions = facts.models.get(name, {})
    newest = versions[max(versions)] if versions else None
    if step is not None:
        decisions += _complete_step(entry, step, config)
    elif newest is not None and entry.complete:
        decisions += _complete_from_file(entry, newest, config)
    content, findings = model_content(name, entry, facts, config, places)
    planned = PlannedModel(
        name=name,
        kind="external" if entry.external else "step" if step and step.function else "model",
        config=config,
        content=content,
        path=path,
    )
    return planned, decisions, findings


def _complete_step(entry: Model, step: StepFacts, config: ModelConfig) -> Iterator[Decision]:
    path = ("models", config.name)
    if not config.backend:
        config.backend = "python"
        yield defaults.from_file((*path, "backend"), "python", f"{step.file} is Python")
    if step.function is None:
        return
    decoupled = "generator" in step.kind
    if decoupled and "model_transaction_policy" not in entry.said:
        config.model_transaction_policy.decoupled = True
        why = f"{step.function} is a generator function: a request has any number of responses"
        yield defaults.from_file((*path, "model_transaction_policy", "decoupled"), "true", why)
    if "max_batch_size" in entry.said:
        return
    if decoupled or config.HasField("sequence_batching"):
        why = defaults.GENERATOR if decoupled else defaults.OTHER_SCHEDULER
        yield defaults.default((*path, "max_batch_size"), 0, why)
    else:
        yield from _batch(entry, config, defaults.STEP_BATCHES)


def _complete_from_file(entry: Model, facts: ModelFacts, config: ModelConfig) -> Iterator[Decision]:
    path = ("models", config.name)
    if not config.backend and not config.platform:
        config.backend = facts.backend
        names = ", ".join(sorted(facts.files)) or "the folder"
        yield defaults.from_file((*path, "backend"), facts.backend, f"told by {names}")
    yield from _choose_format(entry, facts, config)
    if facts.inputs is None or facts.outputs is None:
        if "max_batch_size" not in entry.said:
            yield from _batch_unread(entry, config)
        return
    if "max_batch_size" not in entry.said:
        yield from _decide_batching(entry, facts, config)
    batching = config.max_batch_size > 0
    for field, tensors in (("input", facts.inputs), ("output", facts.outputs)):
        yield from _complete_tensors(config, field, tensors, batching, field in entry.said)


def _choose_format(entry: Model, facts: ModelFacts, config: ModelConfig) -> Iterator[Decision]:
    """Say what Triton has to know to take the file as what it is, and how its backend answers."""
    path = ("models", config.name)
    for setting, text in facts.settings.items():
        if not backends.value(config, setting):
            backends.set_value(config, setting, text)
            names = ", ".join(sorted(facts.files))
            yield defaults.from_file((*path, *setting.split(".")), text, f"told by {names}")
    if backends.find(config).decoupled and "model_transaction_policy" not in entry.said:
        config.model_transaction_policy.decoupled = True
        why = f"the {facts.backend} backend answers a request any number of times"
        yield defaults.default((*path, "model_transaction_policy", "decoupled"), "true", why)


def _batch_unread(entry: Model, config: ModelConfig) -> Iterator[Decision]:
    backend = backends.find(config)
    if backend.batching(config) == "always":
        yield from _batch(entry, config, defaults.HAS_TO_BATCH)
    else:
        why = defaults.UNKNOWN_TENSORS if backend.completes else defaults.UNREAD
        yield defaults.default(("models", config.name, "max_batch_size"), 0, why)


def _decide_batching(entry: Model, facts: ModelFacts, config: ModelConfig) -> Iterator[Decision]:
    path = ("models", config.name, "max_batch_size")
    tensors = [*(facts.inputs or ()), *(facts.outputs or ())]
    if config.HasField("sequence_batching"):
        yield defaults.default(path, 0, defaults.OTHER_SCHEDULER)
    elif not all(tensor.shape and tensor.shape[0] == -1 for tensor in tensors):
        yield defaults.default(path, 0, defaults.CANNOT_BATCH)
    elif _full_shapes_said(facts, config):
        yield defaults.default(path, 0, defaults.FULL_SHAPES)
    else:
        yield from _batch(entry, config, defaults.BATCHES)


def _batch(entry: Model, config: ModelConfig, why: str) -> Iterator[Decision]:
    path = ("models", config.name)
    config.max_batch_size = defaults.MAX_BATCH_SIZE
    yield defaults.default((*path, "max_batch_size"), config.max_batch_size, why)
    if "dynamic_batching" not in entry.said:
        config.dynamic_batching.SetInParent()
        yield defaults.default((*path, "dynamic_batching"), "{}", why)


def _full_shapes_said(facts: ModelFacts, config: ModelConfig) -> bool:
    """Tell whether the dims that were said have the rank of the file's full shapes."""
    known = {tensor.name: tensor for tensor in (*(facts.inputs or ()), *(facts.outputs or ()))}
    tensors: list[ModelInput | ModelOutput] = [*config.input, *config.output]
    return any(
        len(tensor.dims) == len(known[tensor.name].shape or ())
        for tensor in tensors
        if tensor.name in known and tensor.dims
    )


def _complete_tensors(
    config: ModelConfig,
    field: str,
    tensors: tuple[TensorFacts, ...],
    batching: bool,
    said: bool,
) -> Iterator[Decision]:
    """Add the tensors that were not said, and the types and dims of those said by name only."""
    path = ("models", config.name, field)
    said_tensors: Any = getattr(config, field)
    if said:
        known = {tensor.name: tensor for tensor in tensors}
        for index, tensor in enumerate(said_tensors):
            if tensor.name in known and not tensor.dims and not tensor.data_type:
                _fill(tensor, known[tensor.name], batching)
                why = "said by name only; type and dims are the file's"
                yield defaults.from_file((*path, index), short(tensor), why)
        return
    elsewhere = set(_scheduled_tensors(config))
    for facts in tensors:
        if facts.name in elsewhere or (facts.optional and batching):
            continue
        tensor = said_tensors.add(name=facts.name)
        _fill(tensor, facts, batching)
        yield defaults.from_file((*path, facts.name), short(tensor), "not said; read from it")


def _fill(tensor: Any, facts: TensorFacts, batching: bool) -> None:
    tensor.data_type = DataType.Value(facts.data_type)
    shape = facts.shape or ()
    dims = shape[1:] if batching else shape
    tensor.dims.extend(dims or [1])
    if not dims and batching:
        # The file's tensor is [batch]: Triton knows no empty dims, a reshape takes the 1 away.
        tensor.reshape.SetInParent()
    if isinstance(tensor, ModelInput) and facts.optional:
        tensor.optional = True


def _scheduled_tensors(config: ModelConfig) -> Iterator[str]:
    """Name the tensors that Triton feeds itself: they are not listed as inputs or outputs."""
    for batch_input in config.batch_input:
        yield from batch_input.target_name
    for control in config.sequence_batching.control_input:
        yield control.name
    for state in config.sequence_batching.state:
        yield from (state.input_name, state.output_name)


def _brief(value: Any) -> str:
    """Return a field's value on one line, tensors in the short form."""
    if isinstance(value, (ModelInput, ModelOutput)):
        return f"{value.name} {short(value)}" if value.data_type else value.name
    if isinstance(value, Message):
        return text_format.MessageToString(value, as_one_line=True) or "{}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_brief(value[key])}" for key in sorted(value))
    if isinstance(value, (str, int)):
        return str(value)
    return ", ".join(map(_brief, value))
