"""Reads what Triton tells Prometheus: the gauges that its statistics do not have."""

import re
from collections.abc import Mapping

SAMPLE = re.compile(r"^(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
PENDING = "nv_inference_pending_request_count"


def pending(text: str) -> Mapping[str, float]:
    """Return how many requests wait for each model, from the text of the metrics endpoint."""
    found: dict[str, float] = {}
    for match in SAMPLE.finditer(text):
        if match["name"] == PENDING:
            model = dict(LABEL.findall(match["labels"])).get("model", "")
            found[model] = found.get(model, 0.0) + float(match["value"])
    return found
