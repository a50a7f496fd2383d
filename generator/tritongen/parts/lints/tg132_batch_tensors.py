"""A tensor that Triton makes of a whole batch is described wrongly.

`batch_input` describes inputs that Triton computes itself, such as the number of elements of each
request of a ragged batch: their type is INT32 or FP32 and they are computed from exactly one
declared input. `batch_output` scatters a declared output back to the requests by the shapes of one
declared input; without a target name the whole server ends (SIGSEGV).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from tritongen.records.finding import Complaint, did_you_mean
from tritongen.records.messages import BatchInput, DataType, ModelConfig
from tritongen.records.plan import Plan, short_type

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about batch inputs and outputs that Triton refuses."""
    for model in plan.models.values():
        if model.kind == "ensemble":
            continue
        for path, message, fix in (*_inputs(model.config), *_outputs(model.config)):
            yield Complaint(
                path=(*model.path, *path),
                message=f"{model.name}: {message}",
                why="Triton refuses the model when it reads it, or ends (SIGSEGV)",
                fix=fix,
            )


def _inputs(config: ModelConfig) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for number, item in enumerate(config.batch_input):
        path, kind = ("batch_input", number), BatchInput.Kind.Name(item.kind)
        if item.data_type not in (DataType.TYPE_INT32, DataType.TYPE_FP32):
            found = short_type(item.data_type) if item.data_type else "not said"
            yield path, f"the type of {kind} is {found}", "say data_type: INT32 or FP32"
        yield from _sources(config, path, kind, item.source_input)


def _outputs(config: ModelConfig) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    known = [tensor.name for tensor in config.output]
    for number, item in enumerate(config.batch_output):
        path = ("batch_output", number)
        if not item.target_name:
            yield path, "a batch output has no target_name", "name the outputs to scatter"
        for name in item.target_name:
            if name not in known:
                hint = did_you_mean(name, known)
                message = f"a batch output scatters {name!r}, which is no output"
                yield path, message + (f"; {hint}" if hint else ""), f"name one of: {known}"
        yield from _sources(config, path, "a batch output", item.source_input)


def _sources(
    config: ModelConfig, path: tuple[str | int, ...], what: str, sources: Sequence[str]
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    known = [tensor.name for tensor in config.input]
    if len(sources) != 1:
        yield path, f"{what} has {len(sources)} source inputs", "name exactly one source_input"
    for name in sources:
        if name not in known:
            hint = did_you_mean(name, known)
            message = f"{what} is computed from {name!r}, which is no declared input"
            yield path, message + (f"; {hint}" if hint else ""), f"name one of: {known}"
