"""A parameter of the Python backend has a value that it refuses.

`EXECUTION_ENV_PATH` names the packed Python environment of a model; one below
`$$TRITON_MODEL_DIRECTORY` has to be among the model's files («Failed to get the canonical path»).
`FORCE_CPU_ONLY_INPUT_TENSORS` is `yes` or `no`.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, PlannedModel

SEVERITY: Final = "error"
MODEL_FOLDER = "$$TRITON_MODEL_DIRECTORY/"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about environments that are not there and words other than yes and no."""
    for model in plan.models.values():
        if model.config.backend == "python" and model.kind != "external":
            for key, message, fix in _problems(model):
                yield Complaint(
                    path=(*model.path, "parameters", key),
                    message=f"{key} of {model.name} {message}",
                    why="the Python backend refuses the model when it loads it",
                    fix=fix,
                )


def _problems(model: PlannedModel) -> Iterator[tuple[str, str, str]]:
    parameters = model.config.parameters
    if "EXECUTION_ENV_PATH" in parameters:
        path = parameters["EXECUTION_ENV_PATH"].string_value
        inside = path.removeprefix(MODEL_FOLDER)
        there = inside in model.content or any(
            file.startswith(f"{inside}/") for file in model.content
        )
        if path.startswith(MODEL_FOLDER) and not there:
            fix = f"place it: files: {{{inside}: WHERE_IT_IS}}"
            yield "EXECUTION_ENV_PATH", f"names {inside}, which is not among its files", fix
    if "FORCE_CPU_ONLY_INPUT_TENSORS" in parameters:
        said = parameters["FORCE_CPU_ONLY_INPUT_TENSORS"].string_value
        if said not in ("yes", "no"):
            yield "FORCE_CPU_ONLY_INPUT_TENSORS", f"is {said!r}", 'write "yes" or "no"'
