"""A sequence batcher's settings contradict Triton's rules.

Each control (START, READY, END) is sent as one of two values, written as exactly one of
`int32_false_true`, `fp32_false_true` and `bool_false_true` with two entries; CORRID has a
`data_type` instead. A kind stands once, and a control tensor is named once. Preferred sizes lie
between 1 and `max_batch_size`, `minimum_slot_utilization` between 0 and 1. Triton refuses anything
else when it reads the repository, and says why in its log only. A control tensor is not listed
under `input:`; one that is replaces what clients send.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import DataType, ModelConfig, ModelSequenceBatching
from tritongen.records.plan import Plan, short_type

SEVERITY: Final = "error"

Control = ModelSequenceBatching.Control
VALUES = ("int32_false_true", "fp32_false_true", "bool_false_true")
ID_TYPES = (
    DataType.TYPE_UINT64,
    DataType.TYPE_INT64,
    DataType.TYPE_UINT32,
    DataType.TYPE_INT32,
    DataType.TYPE_STRING,
)


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about controls and strategies that Triton refuses."""
    for model in plan.models.values():
        if not model.config.HasField("sequence_batching"):
            continue
        problems = (*_strategy_problems(model.config), *_control_problems(model.config))
        for field, message, fix in problems:
            yield Complaint(
                path=(*model.path, "sequence_batching", *field),
                message=f"{model.name}: {message}",
                why="Triton refuses the model, or feeds it something else than clients send",
                fix=fix,
            )


def _strategy_problems(config: ModelConfig) -> Iterator[tuple[tuple[str, ...], str, str]]:
    batching, limit = config.sequence_batching, config.max_batch_size
    for size in batching.oldest.preferred_batch_size:
        if not 0 < size <= limit:
            yield (
                ("oldest", "preferred_batch_size"),
                f"preferred batch size {size} is not between 1 and max_batch_size {limit}",
                "leave preferred_batch_size out, or raise max_batch_size",
            )
    utilization = batching.direct.minimum_slot_utilization
    if not 0 <= utilization <= 1:
        yield (
            ("direct", "minimum_slot_utilization"),
            f"minimum_slot_utilization is {utilization:g}",
            "write a share between 0 and 1",
        )


def _control_problems(config: ModelConfig) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    kinds: Counter[int] = Counter()
    names: Counter[str] = Counter()
    inputs = {tensor.name for tensor in config.input}
    for number, tensor in enumerate(config.sequence_batching.control_input):
        path = ("control_input", number)
        if not tensor.name:
            yield path, "a control tensor has no name", "give it the name of the model's input"
        elif tensor.name in inputs:
            yield path, f"the control {tensor.name!r} is an input, too", "take it out of input:"
        for control in tensor.control:
            kinds[control.kind] += 1
            kind = Control.Kind.Name(control.kind).removeprefix("CONTROL_SEQUENCE_")
            if kinds[control.kind] == 2:
                yield path, f"the control {kind} is there twice", "keep one of them"
            problem, fix = _problem(control)
            if problem:
                yield path, f"the control {kind} {problem}", fix
        if tensor.control:
            names[tensor.name] += 1
        if names[tensor.name] == 2 and tensor.name:
            yield path, f"two controls are called {tensor.name!r}", "give each tensor one control"


def _problem(control: Control) -> tuple[str, str]:
    said = [field for field in VALUES if getattr(control, field)]
    if control.kind == Control.CONTROL_SEQUENCE_CORRID:
        if said:
            return f"has {said[0]}, but it carries the sequence's id", f"leave {said[0]} out"
        if control.data_type not in ID_TYPES:
            types = ", ".join(short_type(kind) for kind in ID_TYPES)
            found = short_type(control.data_type) if control.data_type else "no data type"
            return f"has {found}", f"give it a data_type: {types}"
        return "", ""
    if len(said) != 1:
        found = " and ".join(said) or "no values"
        return f"has {found}", f"write one of {', '.join(VALUES)}: [0, 1]"
    if len(getattr(control, said[0])) != 2:
        return f"wants two entries in {said[0]}", f"write {said[0]}: [0, 1]"
    return "", ""
