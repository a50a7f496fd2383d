"""A backend's parameter has a value that it does not take.

Every parameter is text in Triton, and its backend reads it when it loads the model: ONNX Runtime's
thread counts are numbers, PyTorch's switches `true` or `false`, OpenVINO's `NUM_STREAMS` a number,
`AUTO` or `NUMA`. Other text makes the model fail to load («failed to convert 'many' to integral
number»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import backed
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about values that the backend refuses."""
    for item in backed(plan):
        for name, parameter in sorted(item.model.config.parameters.items()):
            values = item.backend.parameters.get(name)
            if values is not None and not values.accept(parameter.string_value):
                yield Complaint(
                    path=(*item.model.path, "parameters", name),
                    message=f"{name} of {item.model.name} is {parameter.string_value!r}; "
                    f"{item.backend.name} wants {values.words}",
                    why="the backend refuses the model when it loads it",
                    fix=f"write {values.words}, or leave it out",
                )
