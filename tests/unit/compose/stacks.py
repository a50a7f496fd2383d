"""Stacks to look at: a spec with two models, and what is said in it."""

from pathlib import Path
from typing import Any

import yaml

from tritongen.parts.targets import compose
from tritongen.records.plan import Plan
from tritongen.records.tree import Text
from tritongen.testing.cases import plan_of

MODELS: dict[str, Any] = {
    "s": {
        "python": "s.py:run",
        "input": {"x": "FP32[16]"},
        "output": {"y": "FP32[4]"},
        "max_batch_size": 4,
    },
    "m": "m.onnx",
}
FILES = {"m": {"input": {"x": "FP32[-1,16]"}, "output": {"y": "FP32[-1,10]"}}}


def planned(folder: Path, case: dict[str, Any] | None = None, **said: Any) -> Plan:
    """Return the plan of a spec that says this; ``case`` says what the model files do."""
    spec = {"models": MODELS, **said}
    steps = {
        name: "def run(x): ..."
        for name, model in spec["models"].items()
        if isinstance(model, dict) and "python" in model
    }
    files = {name: FILES["m"] for name in spec["models"] if name == "m"}
    text = yaml.safe_dump(spec, sort_keys=False)
    return plan_of({"spec": text, "steps": steps, "files": files, **(case or {})}, folder)


def texts(plan: Plan) -> dict[str, str]:
    """Return what the compose target gives, by path."""
    entries = compose.render(plan)
    return {path: entry.text for path, entry in entries.items() if isinstance(entry, Text)}


def services(plan: Plan) -> dict[str, Any]:
    """Return the services of the compose file."""
    found: dict[str, Any] = yaml.safe_load(texts(plan)["docker-compose.yml"])["services"]
    return found
