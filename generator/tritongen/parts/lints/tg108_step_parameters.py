"""A plain step's function does not take the inputs that are declared for it.

The runner calls the function with the declared inputs as keyword arguments: each input needs a
parameter of its name (or `**inputs`), each parameter without a default needs an input, and an
optional input needs a parameter with a default. A keyword-only `context` is not an input.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, did_you_mean
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about inputs without a parameter, and parameters without an input."""
    for name, step in plan.facts.steps.items():
        if step.function is None:
            continue
        where = f"{step.function} in {step.file}"
        model = plan.models[name]
        inputs = {tensor.name: tensor for tensor in model.config.input}
        parameters = {parameter.name: parameter for parameter in step.parameters}
        takes_context = "context" in parameters and parameters["context"].keyword_only
        for tensor in inputs.values():
            if tensor.name not in parameters and not step.takes_any:
                hint = did_you_mean(tensor.name, set(parameters) - set(inputs))
                yield Complaint(
                    path=(*model.path, "input", tensor.name),
                    message=f"{where} has no parameter for the input {tensor.name!r}"
                    + (f"; {hint}" if hint else ""),
                    why="the runner passes inputs by name",
                    fix=_parameter_fix(step.function, tensor.name),
                )
            elif tensor.optional and tensor.name in parameters and parameters[tensor.name].required:
                yield Complaint(
                    path=(*model.path, "input", tensor.name),
                    message=f"the optional input {tensor.name!r} has no default in {where}",
                    why="a request without it would fail",
                    fix=f"give the parameter a default: {tensor.name}=None",
                )
        for parameter in step.parameters:
            is_context = takes_context and parameter.name == "context"
            if parameter.required and parameter.name not in inputs and not is_context:
                yield Complaint(
                    path=(*model.path, "python"),
                    message=f"{where} needs {parameter.name!r}, which is not among the inputs",
                    why="every call would fail: a parameter without a default is missing",
                    fix=f"declare it under input:, or give it a default: {parameter.name}=None",
                )


def _parameter_fix(function: str, name: str) -> str:
    if name.isidentifier():
        return f"add the parameter: def {function}(..., {name})"
    return f"{name!r} can't be a Python name; take all inputs: def {function}(**inputs)"
