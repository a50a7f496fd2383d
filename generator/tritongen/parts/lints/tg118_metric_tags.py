"""A metric tag has a key that ends the server.

Each key of `metric_tags` becomes a label of the model's metrics, with a `_` before it. Prometheus
knows letters, digits and `_` in labels, and keeps those that start with two `_` for itself. With
any other key Triton does not refuse the model: the whole server aborts while it loads
(«Invalid label name», SIGABRT).
"""

import re
from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about keys that can't be a label."""
    for model in plan.models.values():
        for key in sorted(model.config.metric_tags):
            if not KEY.fullmatch(key):
                yield Complaint(
                    path=(*model.path, "metric_tags", key),
                    message=f"the metric tag {key!r} of {model.name} can't be a label of a metric",
                    why="the whole server aborts when it loads the model",
                    fix=f"call it {_repaired(key)!r}",
                )


def _repaired(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", key).strip("_") or "tag"
