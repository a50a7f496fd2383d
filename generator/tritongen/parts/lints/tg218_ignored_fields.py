"""An ensemble has settings that Triton accepts and ignores.

An ensemble has no file, no backend library and no batch tensors of its own, and whether it is
decoupled is computed from its steps, whatever is written. A step's namespace counts only on a
server that is started with model namespaces. The response cache of whole ensembles came with
release 24.05; before it, the setting did nothing.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"

IGNORED = {
    "batch_input": "an ensemble has no batch tensors",
    "batch_output": "an ensemble has no batch tensors",
    "cc_model_filenames": "an ensemble has no file",
    "default_model_filename": "an ensemble has no file",
    "model_operations": "an ensemble loads no library",
    "model_transaction_policy": "Triton computes it from the steps",
    "runtime": "an ensemble loads no library",
}


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about fields of ensembles and steps that do nothing."""
    for name, entry in plan.spec.ensembles.items():
        ignored = {field: why for field, why in IGNORED.items() if field in entry.said}
        if entry.config.response_cache.enable and plan.release.tag < "24.05":
            ignored["response_cache"] = "Triton caches whole ensembles since 24.05"
        for field, why in ignored.items():
            yield Complaint(
                path=("ensembles", name, field),
                message=f"{field} of the ensemble {name} has no effect",
                why=why,
                fix=f"leave {field} out",
            )
        for number, step in enumerate(entry.steps):
            if step.namespace:
                yield Complaint(
                    path=("ensembles", name, "steps", number, "namespace"),
                    message=f"the namespace of step {number + 1} of {name} has no effect",
                    why="the server is not started with --model-namespacing",
                    fix="leave namespace out",
                )
