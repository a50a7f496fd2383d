"""A label file does not fit its output.

`labels:` names outputs; each needs as many labels as the output has classes (the product of its
dims), each on one line. Clients that ask for classification get an empty label, or the wrong one,
otherwise. A `label_filename` that is not among the model's files keeps the model from loading
(«failed to open text file for read»).
"""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Final

from tritongen.records.finding import Complaint, SpecPath, did_you_mean
from tritongen.records.messages import ModelOutput
from tritongen.records.plan import Plan
from tritongen.records.views import tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about missing label files, unknown outputs and lists of the wrong length."""
    for model in plan.models.values():
        for section, path, tensor in tensors(plan, model):
            file = tensor.label_filename if isinstance(tensor, ModelOutput) else ""
            if file and model.kind != "external" and file not in model.content:
                yield Complaint(
                    path=(*path, "label_filename"),
                    message=f"the label file {file!r} of {section} {tensor.name!r} of {model.name} "
                    "is not among the model's files",
                    why="Triton refuses a model whose label file can't be opened",
                    fix=f"say the labels: labels: {{{tensor.name}: [...]}}"
                    if model.kind != "ensemble"
                    else "leave it out: labels are those of the step that writes the output",
                )
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
            yield from _broken(path, name, output, lines)
            classes = prod(outputs[output].dims)
            if classes > 0 and classes != len(lines):
                yield Complaint(
                    path=path,
                    message=f"output {output!r} of {name} has {classes} classes, "
                    f"its list has {len(lines)} labels",
                    why="answers would carry the wrong label, or none",
                    fix=f"give {classes} labels, one per line",
                )


def _broken(path: SpecPath, name: str, output: str, lines: Sequence[str]) -> Iterator[Complaint]:
    for number, label in enumerate(lines):
        if "\n" in label:
            yield Complaint(
                path=(*path, number),
                message=f"label {number} of output {output!r} of {name} has several lines: "
                f"{label!r}",
                why="a label file has one label per line, so all labels after it would be wrong",
                fix="write it on one line",
            )
