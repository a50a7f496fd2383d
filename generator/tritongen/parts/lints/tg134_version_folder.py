"""A version folder has no model, or a name that Triton misreads.

Each folder of a model whose name is a number is a version, so a file placed in one
(`files: {2/vocabulary.txt: ...}`) makes version 2, and the newest version is the one that serves.
Without the model's own file in it the model does not load; a Python model without its `model.py`
never finishes loading at all. A name that only starts with digits (`3x`) is read as version 3,
and then the load never ends either.
"""

import re
from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.views import served

SEVERITY: Final = "error"
MISREAD = re.compile(r"[0-9]+[^0-9/][^/]*")


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about version folders without a model, and about folders like `3x`."""
    for model in plan.models.values():
        if model.kind in ("ensemble", "external"):
            continue
        yield from _misread(model)
        for version in sorted(served(model)):
            missing = _missing(plan, model, version)
            if missing:
                yield Complaint(
                    path=_culprit(plan, model, version),
                    message=f"version {version} of {model.name} has no {missing}",
                    why="every folder named by a number is a version; without its model it does "
                    "not load, and a Python model's load never ends",
                    fix=f"place the file elsewhere, or the model, too: {version}/{missing}",
                )


def _misread(model: PlannedModel) -> Iterator[Complaint]:
    folders = {path.split("/")[0]: path for path in model.content if "/" in path}
    for folder, path in folders.items():
        if MISREAD.fullmatch(folder):
            yield Complaint(
                path=(*model.path, "files", path),
                message=f"Triton reads the folder {folder!r} of {model.name} as a version",
                why="it looks for the model in a folder that is not there, and the load never ends",
                fix="give the folder a name that does not start with a digit",
            )


def _missing(plan: Plan, model: PlannedModel, version: int) -> str:
    """Return what a version lacks, or nothing."""
    if model.config.backend == "python" and not model.config.runtime:
        file = model.config.default_model_filename or "model.py"
        return "" if f"{version}/{file}" in model.content else file
    placed = plan.facts.models.get(model.name, {})
    return "" if version in placed else model.config.default_model_filename or "model"


def _culprit(plan: Plan, model: PlannedModel, version: int) -> SpecPath:
    """Return where the file stands that made the version, or what names the model's file."""
    for path in plan.spec.models[model.name].files:
        if path.startswith(f"{version}/"):
            return (*model.path, "files", path)
    return (*model.path, "default_model_filename")
