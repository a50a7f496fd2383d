"""Plans to draw: with everything that there are pages and panels for, and with little."""

from pathlib import Path
from typing import Any

import yaml

from tritongen.records.plan import Plan
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve

STEPS = """
def run(x):
    return {"y": x}


def many(x):
    yield {"y": x}
"""
STEP = {
    "python": "s.py:run",
    "input": {"x": "FP32[4]"},
    "output": {"y": "FP32[4]"},
    "max_batch_size": 4,
}
MODELS: dict[str, Any] = {
    "plain": STEP,
    "cached": {**STEP, "response_cache": {"enable": True}},
    "Twice.2": {**STEP, "instance_group": {"kind": "cpu", "count": 2}},
    "stream": {
        **STEP,
        "python": "s.py:many",
        "max_batch_size": 0,
        "model_transaction_policy": {"decoupled": True},
    },
}
ENSEMBLES = {
    "chain": {
        "steps": [
            {"model": "plain", "input": {"x": "x"}, "output": {"y": "once"}},
            {"model": "Twice.2", "input": {"x": "once"}, "output": {"y": "y"}},
        ]
    }
}
SLO = {"chain": {"p99": "100ms", "p95": "50ms", "error_rate": "0.1%"}}
LOADTESTS = {"steady": {"model": "chain", "arrivals": {"constant": "40/s"}, "duration": "10s"}}


def planned(folder: Path, **said: Any) -> Plan:
    """Return the plan of a spec that says this besides its models."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "s.py").write_text(STEPS)
    (folder / "spec.yaml").write_text(yaml.safe_dump({"models": MODELS, "stack": {}, **said}))
    spec = load([folder / "spec.yaml"], {})
    return resolve(spec, probe(spec, folder))


def everything(folder: Path, **said: Any) -> Plan:
    """Return a plan with all that there are panels for; ``said`` takes the place of its keys."""
    whole = {
        "triton": "26.08",
        "ensembles": ENSEMBLES,
        "slo": SLO,
        "loadtests": LOADTESTS,
        "stack": {"replicas": 2, "gpus": "all"},
    }
    return planned(folder, **{**whole, **said})
