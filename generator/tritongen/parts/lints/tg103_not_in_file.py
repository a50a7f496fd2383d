"""A declared tensor is not in the model's file.

The names of inputs and outputs are those of the file, exactly. Triton refuses a configuration
with another name («unexpected inference output 'yy', allowed outputs are: y»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, did_you_mean, rename
from tritongen.records.plan import Plan
from tritongen.records.views import models_with_files, tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about inputs and outputs that the file does not have."""
    for model, _, facts in models_with_files(plan):
        known = {
            "input": [tensor.name for tensor in facts.inputs or ()],
            "output": [tensor.name for tensor in facts.outputs or ()],
        }
        for section, path, tensor in tensors(plan, model):
            if tensor.name not in known[section]:
                hint = did_you_mean(tensor.name, known[section])
                yield Complaint(
                    path=path,
                    message=f"{model.name} has no {section} {tensor.name!r} in its file"
                    + (f"; {hint}" if hint else ""),
                    why="Triton refuses a configuration with tensors that the file lacks",
                    fix=f"name one of: {', '.join(known[section])}",
                    edit=rename(tensor.name, known[section]),
                )
