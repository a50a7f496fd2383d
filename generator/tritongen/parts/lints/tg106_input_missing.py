"""An input that the model's file needs is not declared.

The list of inputs is the whole list: what is said replaces what the file has. Triton refuses a
configuration with fewer inputs than the model («configuration expects 1 inputs, model provides
2»). Inputs with a default in the file may be left out, and so may outputs.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, short_type
from tritongen.records.views import models_with_files, scheduled

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about inputs of the file that nothing feeds."""
    for model, _, facts in models_with_files(plan):
        if not model.config.input and not plan.spec.models[model.name].complete:
            continue  # Triton takes them from the file itself
        fed = {tensor.name for tensor in model.config.input} | scheduled(model.config)
        for tensor in facts.inputs or ():
            if tensor.name not in fed and not tensor.optional:
                dims = ",".join(map(str, tensor.shape or ()))
                yield Complaint(
                    path=(*model.path, "input"),
                    message=f"input {tensor.name!r} of {model.name}'s file is not declared",
                    why="the list under input: is the whole list; Triton refuses a shorter one",
                    fix=f"add {tensor.name} ({short_type(tensor.data_type)}[{dims}] in the file), "
                    "or leave input: out",
                )
