"""A warm-up request is one that the model would refuse.

Triton sends the requests of `model_warmup` to every instance before the model is ready; if one
fails, the model does not load, and now and then the server ends with it. A request has all required
inputs with their type and dims (no -1), a batch size up to `max_batch_size` (1 where the model does
not batch), and for each input `zero_data`, `random_data` or a file in the folder `warmup/` of the
model.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelInput, ModelWarmup
from tritongen.records.plan import Plan, PlannedModel, short, short_type

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about warm-up requests that can't succeed."""
    for model in plan.models.values():
        if model.kind == "ensemble":
            continue
        for number, sample in enumerate(model.config.model_warmup):
            if not sample.batch_size:
                continue  # never sent
            for path, message, fix in _problems(model, sample):
                yield Complaint(
                    path=(*model.path, "model_warmup", number, *path),
                    message=f"the warm-up {sample.name!r} of {model.name}: {message}",
                    why="a model whose warm-up fails does not load",
                    fix=fix,
                )


def _problems(
    model: PlannedModel, sample: ModelWarmup
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    limit = max(model.config.max_batch_size, 1)
    if sample.batch_size > limit:
        yield (
            ("batch_size",),
            f"its batch_size is {sample.batch_size}, the model takes {limit}",
            f"set batch_size: {limit}",
        )
    declared = {tensor.name: tensor for tensor in model.config.input}
    for name, tensor in declared.items():
        if name not in sample.inputs and not tensor.optional:
            yield ("inputs",), f"the input {name!r} is missing", f"add {name} ({short(tensor)})"
    for name in sorted(sample.inputs):
        given = sample.inputs[name]
        path = ("inputs", name)
        file = f"warmup/{given.input_data_file}"
        if given.WhichOneof("input_data_type") is None:
            yield path, f"the input {name!r} has no data", "say zero_data: true"
        if given.input_data_file and model.kind != "external" and file not in model.content:
            yield path, f"there is no file {file}", f"place it: files: {{{file}: WHERE_IT_IS}}"
        if name in declared:
            yield from ((path, *problem) for problem in _misfits(given, declared[name]))


def _misfits(given: ModelWarmup.Input, declared: ModelInput) -> Iterator[tuple[str, str]]:
    if given.data_type != declared.data_type:
        found = short_type(given.data_type) if given.data_type else "of no type"
        yield (
            f"the input {declared.name!r} is {found}, the model takes "
            f"{short_type(declared.data_type)}",
            f"say data_type: {short_type(declared.data_type)}",
        )
    dims, wanted = list(given.dims), list(declared.dims)
    if any(dim < 1 for dim in dims):
        yield f"the input {declared.name!r} has dims {dims}", "write the sizes of one request"
    elif len(dims) != len(wanted) or any(
        want not in (-1, dim) for dim, want in zip(dims, wanted, strict=True)
    ):
        yield (
            f"the input {declared.name!r} has dims {dims}, the model takes {wanted}",
            "write the dims of one request, without the batch dimension",
        )
