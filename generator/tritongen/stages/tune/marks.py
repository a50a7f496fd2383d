"""What tells studies, and the steps in them, apart: hashes of all that determines them."""

import hashlib

from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.tree import Copy, Entry


def contents(plan: Plan) -> dict[str, str]:
    """Return a hash of each model's name and files; others may have none either."""
    return {name: _content(model) for name, model in plan.models.items()}


def _content(model: PlannedModel) -> str:
    files = [f"{path}:{_bytes_of(each)}" for path, each in sorted(model.content.items())]
    return _hash(model.name, *files)


def _bytes_of(entry: Entry) -> str:
    return entry.sha256 if isinstance(entry, Copy) else entry.text


def fingerprint(plan: Plan, test: PlannedLoadTest) -> str:
    """Return a hash of what a study depends on: models, configurations, load test."""
    hashes = contents(plan)
    parts = [
        hashes[name] + model.config.SerializeToString(deterministic=True).hex()
        for name, model in sorted(plan.models.items())
    ]
    said = (
        plan.spec.loadtests[test.name].model_dump_json() if test.name in plan.spec.loadtests else ""
    )
    return _hash(*parts, said)[:16]


def conditions(plan: Plan, test: PlannedLoadTest) -> str:
    """Return a hash of what a step's time depends on besides the step and the machine."""
    carried = [
        f"{each.model}:{_bytes_of(each.samples.entry)}"
        if each.samples
        else f"{each.model}:{each.data.model_dump_json()}"
        for each in test.traffic
    ]
    return _hash(plan.release.tag, test.protocol, *carried)[:16]


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
