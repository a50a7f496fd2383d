"""A label file does not fit its output.

`labels:` names outputs; each needs as many labels as the output has classes (the product of its
dims). Clients that ask for classification get an empty label, or the wrong one, otherwise.
"""

from collections.abc import Iterator
from math import prod
from typing import Final

from tritongen.records.finding import Complaint, did_you_mean
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about labels for unknown outputs, and about lists of the wrong length."""
    for name, labels in plan.facts.labels.items():
        model = plan.models[name]
        outputs = {tensor.name: tensor for tensor in model.config.output}
        for output, lines in labels.items():
            path = (*model.path, "labels", output)
            if output not in outputs:
                hint = did_you_mean(output, outputs)
                yield Complaint(
                    path=path,
                    message=f"{name} has no output {output!r} to label"
                    + (f"; {hint}" if hint else ""),
                    why="the labels would never be shown",
                    fix=f"name one of: {', '.join(outputs)}",
                )
                continue
            classes = prod(outputs[output].dims)
            if classes > 0 and classes != len(lines):
                yield Complaint(
                    path=path,
                    message=f"output {output!r} of {name} has {classes} classes, "
                    f"its list has {len(lines)} labels",
                    why="answers would carry the wrong label, or none",
                    fix=f"give {classes} labels, one per line",
                )
