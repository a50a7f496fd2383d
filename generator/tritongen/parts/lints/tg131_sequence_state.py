"""A state of a sequence model can't be kept, or can't be made.

Triton keeps a state between the requests of a sequence: it hands it to `input_name` and takes the
next one from `output_name`, both tensors that are not listed under `input:` and `output:`. Without
a name or a `data_type` the model loads, and then ends the server or its own process; a state named
like a declared input replaces what clients send.

`initial_state` says what a state is before a sequence's first request: it has a name, the state's
own type and dims (without -1), and either `zero_data` or a `data_file`, which lies in the folder
`initial_state/` of the model. Triton refuses the model otherwise; where the data file is missing,
the whole server ends (SIGSEGV).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelSequenceBatching
from tritongen.records.plan import Plan, PlannedModel, short_type

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about states that Triton refuses, answers wrongly with or dies of."""
    for model in plan.models.values():
        for number, state in enumerate(model.config.sequence_batching.state):
            for message, fix in _problems(model, state):
                yield Complaint(
                    path=(*model.path, "sequence_batching", "state", number),
                    message=f"the state {state.input_name!r} of {model.name}: {message}",
                    why="Triton refuses the model, or loads it and ends at its first request",
                    fix=fix,
                )


def _problems(model: PlannedModel, state: ModelSequenceBatching.State) -> Iterator[tuple[str, str]]:
    for field in ("input_name", "output_name"):
        if not getattr(state, field):
            yield f"it has no {field}", "name the model's own tensor"
    if not state.data_type:
        yield "it has no data_type", "say the type of the model's own tensor"
    if state.input_name in {tensor.name for tensor in model.config.input}:
        yield "an input has its name, too", "take it out of input: Triton feeds it itself"
    if len(state.initial_state) > 1:
        yield f"it has {len(state.initial_state)} initial states", "keep one of them"
    for initial in state.initial_state:
        if not initial.name:
            yield "its initial state has no name", "give it one: name: zero"
        if initial.data_type != state.data_type:
            yield (
                f"it is {short_type(state.data_type)}, its initial state "
                f"{short_type(initial.data_type)}",
                "give both the same data_type",
            )
        yield from _dims_problems(list(state.dims), list(initial.dims))
        if initial.WhichOneof("state_data") is None:
            yield "its initial state has no data", "say zero_data: true, or a data_file"
        file = f"initial_state/{initial.data_file}"
        if initial.data_file and model.kind != "external" and file not in model.content:
            yield (
                f"there is no file {file}",
                f"place it: files: {{{file}: WHERE_IT_IS}}",
            )


def _dims_problems(dims: list[int], initial: list[int]) -> Iterator[tuple[str, str]]:
    if -1 in initial:
        yield f"its initial state has varying dims {initial}", "write the size to start with"
    elif len(dims) != len(initial) or any(
        dim not in (-1, other) for dim, other in zip(dims, initial, strict=True)
    ):
        yield f"its dims are {dims}, its initial state's {initial}", "give both the same dims"
