"""A backend's parameter is missing, or has a value that it does not take.

Every parameter is text in Triton, and its backend reads it when it loads the model: ONNX Runtime's
thread counts are numbers, PyTorch's switches `true` or `false`, OpenVINO's `NUM_STREAMS` a number,
`AUTO` or `NUMA`. Other text makes the model fail to load («failed to convert 'many' to integral
number»), or counts as what was not meant: FIL takes `predict_proba: True` for false. FIL has to be
told whether its model gives classes («Required parameter output_class not found in config»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import backed
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about parameters that are missing, and values that the backend refuses."""
    for item in backed(plan):
        for name, text in item.backend.missing(item.model.config):
            yield Complaint(
                path=(*item.model.path, "parameters"),
                message=f"{item.model.name} does not say the parameter {name}, which "
                f"{item.backend.name} needs",
                why="the backend refuses the model when it loads it",
                fix=f"say it in parameters, {name}: {text}",
            )
        for name, parameter in sorted(item.model.config.parameters.items()):
            values = item.backend.parameters.get(name)
            if values is not None and not values.accept(parameter.string_value):
                yield Complaint(
                    path=(*item.model.path, "parameters", name),
                    message=f"{name} of {item.model.name} is {parameter.string_value!r}; "
                    f"{item.backend.name} wants {values.words}",
                    why="the backend refuses the model when it loads it, or reads something else",
                    fix=f"write {values.words}, or leave it out",
                )
