"""Writes the first spec: short, with comments that teach what it says."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tritongen.formats.yaml import Block, Value, entry
from tritongen.records.facts import Facts, StepFacts, TensorFacts
from tritongen.records.plan import short_type
from tritongen.records.scalars import NAME
from tritongen.stages.begin.chain import Model, Step, Tensor, chain
from tritongen.stages.begin.files import Found

HEAD = """\
# yaml-language-server: $schema=.tritongen/spec.schema.json
#
# What is served, in one file. Try: tritongen check, tritongen up, tritongen graph.
# Every field of Triton's ModelConfig can be said in a model, by its own name.

tritongen: 1  # version of this language
"""
MODELS = """
models:
  # Without max_batch_size, models that can batch take 4 rows at once: instance_group,
  # dynamic_batching and the like stand beside it.
"""
ENSEMBLE = """
ensembles:
  # Triton runs these as one model. Tensors of equal names are wired; `input` and `output` rename
  # (the model's name: the ensemble's).
"""
GUESS = "a guess: name its type and shape, without the batch dimension"
READ = "tensors are read from the file: "


def default_name(spec: Path) -> str:
    """Return the name that a spec has if it says none, to be written down."""
    stem = spec.stem if spec.stem != "spec" else spec.absolute().parent.name
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip("._-")
    return name if NAME.fullmatch(name) else "models"


def draft(found: Sequence[Found]) -> str:
    """Return the text of a spec that only names the models, to read their files with."""
    return "\n".join(entry("models", {one.name: {one.key: one.value} for one in found})) + "\n"


def write(name: str, found: Sequence[Found], facts: Facts, *, chained: bool = True) -> str:
    """Return the text of a spec; ``chained`` adds an ensemble of the models that fit."""
    models = {one.name: _model(one.name, facts) for one in found}
    _complete(models, facts)
    steps = chain([*models.values()]) if chained else []
    lines = [*entry("name", name), *MODELS.splitlines()]
    for one in found:
        value, comment = _entry(one, models[one.name], facts)
        lines += entry(one.name, value, indent=2, comment=comment)
    if steps:
        lines += [*ENSEMBLE.splitlines(), *_ensemble("pipeline", steps, set(models))]
    return HEAD + "\n".join(lines) + "\n"


def _model(name: str, facts: Facts) -> Model:
    if name in facts.steps:
        step = facts.steps[name]
        return Model(
            name=name,
            inputs=tuple(Tensor(name=p.name) for p in step.parameters if not p.keyword_only),
            outputs=tuple(Tensor(name=output) for output in _returned(step)),
        )
    (version,) = facts.models[name].values()
    inputs, outputs = version.inputs or (), version.outputs or ()
    shapes = [tensor.shape for tensor in (*inputs, *outputs)]
    batches = bool(shapes) and all(shape and shape[0] == -1 for shape in shapes)
    return Model(
        name=name,
        inputs=tuple(_tensor(tensor, batches=batches) for tensor in inputs),
        outputs=tuple(_tensor(tensor, batches=batches) for tensor in outputs),
    )


def _tensor(facts: TensorFacts, *, batches: bool) -> Tensor:
    shape = facts.shape[1:] if batches and facts.shape else facts.shape
    kind = short_type(facts.data_type)
    return Tensor(name=facts.name, type=kind, dims=shape, optional=facts.optional)


def _returned(step: StepFacts) -> list[str]:
    """Name the keys of the dicts that a step returns or yields, as far as they are written out."""
    tree = ast.parse(step.text)
    functions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == step.function
    ]
    found: dict[str, None] = {}
    for node in ast.walk(functions[0]) if functions else ():
        if isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Dict):
            for key in node.value.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found[key.value] = None
    return list(found) or ["output"]


def _complete(models: dict[str, Model], facts: Facts) -> None:
    """Give the tensors of Python steps the type of the file's tensor that has their name."""
    known = {
        tensor.name: tensor
        for model in models.values()
        for tensor in (*model.inputs, *model.outputs)
        if tensor.dims is not None
    }
    for name in facts.steps:
        model = models[name]
        models[name] = Model(
            name=name,
            inputs=tuple(replace(known.get(t.name, t), optional=False) for t in model.inputs),
            outputs=tuple(replace(known.get(t.name, t), optional=False) for t in model.outputs),
        )


def _entry(found: Found, model: Model, facts: Facts) -> tuple[Value, str]:
    """Return a model's entry and the comment on it."""
    if found.name not in facts.steps:
        tensors = f"{_listed(model.inputs)} -> {_listed(model.outputs)}"
        return found.value, f"{READ}{tensors}" if model.inputs else ""
    if facts.steps[found.name].function is None:
        model = model if model.inputs else replace(model, inputs=(Tensor(name="input"),))
    sections = {"input": model.inputs, "output": model.outputs}
    values: dict[str, Value] = {"python": found.value}
    values |= {
        section: Block(
            {tensor.name: _short(tensor) for tensor in tensors},
            {tensor.name: GUESS for tensor in tensors if tensor.dims is None},
        )
        for section, tensors in sections.items()
    }
    return Block(values), ""


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{tensor.name} {_short(tensor)}" for tensor in tensors)


def _short(tensor: Tensor) -> str:
    dims = (-1,) if tensor.dims is None else tensor.dims
    return f"{tensor.type}[{','.join(map(str, dims))}]"


def _ensemble(name: str, steps: Sequence[Step], taken: set[str]) -> Iterator[str]:
    while name in taken:
        name += "-1"
    yield f"  {name}:"
    yield "    steps:"
    for step in steps:
        renames: dict[str, Value] = {
            key: value for key, value in (("input", step.input), ("output", step.output)) if value
        }
        value: Value = {"model": step.model, **renames} if renames else step.model
        yield from (f"      - {line}" for line in _item(value))


def _item(value: Value) -> list[str]:
    """Return an item of a list on one line."""
    (line,) = [part.removeprefix("x: ") for part in entry("x", value)][:1]
    return [line]
