"""What several lints ask of a plan about its models' backends."""

from collections.abc import Iterator
from dataclasses import dataclass

from tritongen.parts import backends
from tritongen.parts.backends import Backend, Problem
from tritongen.records.facts import ModelFacts
from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.views import tensors


@dataclass(frozen=True, kw_only=True)
class Backed:
    """A model that is written here, with its backend and what its newest version's files say."""

    model: PlannedModel
    backend: Backend
    facts: ModelFacts | None


def backed(plan: Plan) -> Iterator[Backed]:
    """Yield the models that a backend serves: neither ensembles nor external ones."""
    for name, model in plan.models.items():
        if model.kind in ("model", "step"):
            versions = plan.facts.models.get(name, {})
            yield Backed(
                model=model,
                backend=backends.find(model.config),
                facts=versions[max(versions)] if versions else None,
            )


def complain(plan: Plan, model: PlannedModel, problem: Problem, why: str) -> Complaint:
    """Return a backend's problem with a tensor as a complaint about its place in the spec."""
    label = f"the {problem.section}s" if problem.name is None else repr(problem.name)
    return Complaint(
        path=_path(plan, model, problem),
        message=f"{label} of {model.name}: {problem.message}",
        why=why,
        fix=problem.fix,
    )


def _path(plan: Plan, model: PlannedModel, problem: Problem) -> SpecPath:
    for section, path, tensor in tensors(plan, model):
        if (section, tensor.name) == (problem.section, problem.name):
            return path
    return (*model.path, problem.section)
