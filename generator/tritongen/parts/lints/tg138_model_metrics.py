"""A setting of the model's metrics is incomplete.

`model_metrics` changes the buckets of a histogram: each `metric_control` names a metric family and
lists the buckets in ascending order. Triton refuses a model of which one of them is missing
(«metric control must specify 'metric_identifier'»).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about metric controls without family or buckets."""
    for model in plan.models.values():
        for number, control in enumerate(model.config.model_metrics.metric_control):
            for message, fix in _problems(control):
                yield Complaint(
                    path=(*model.path, "model_metrics", "metric_control", number),
                    message=f"a metric_control of {model.name} {message}",
                    why="Triton refuses the model",
                    fix=fix,
                )


def _problems(control: Any) -> Iterator[tuple[str, str]]:
    if not control.metric_identifier.family:
        family = "nv_inference_first_response_histogram_ms"
        yield "names no family", f"say metric_identifier: {{family: {family}}}"
    buckets = list(control.histogram_options.buckets)
    if not buckets:
        yield "has no buckets", "say histogram_options: {buckets: [100, 500, 2000]}"
    elif any(first >= second for first, second in pairwise(buckets)):
        yield "has buckets that do not ascend", "sort them, each once"
