"""Reads the entries of ``models:`` and ``ensembles:``."""

from typing import Any

from tritongen.parts.lints import LINTS
from tritongen.records.finding import Place, SpecPath
from tritongen.records.messages import ModelConfig, ModelEnsembling
from tritongen.records.scalars import NAME, quote
from tritongen.records.spec import LINT, Ensemble, Model, Step
from tritongen.stages.load import codes
from tritongen.stages.load.fields import owner_of, set_field
from tritongen.stages.load.keys import plain, read_keys
from tritongen.stages.load.nodes import Entries, Items, Node, Text, describe
from tritongen.stages.load.report import Report, nearest
from tritongen.stages.load.requirements import read_requirements
from tritongen.stages.load.tensors import read_tensors

PlacesByPath = dict[SpecPath, Place]

TRITON = ModelConfig.DESCRIPTOR.fields_by_name
SCHEDULING = ModelEnsembling.DESCRIPTOR.fields_by_name
SCHEDULERS = {
    field.name for field in ModelConfig.DESCRIPTOR.oneofs_by_name["scheduling_choice"].fields
}
MODEL_KEYS = Model.model_fields.keys() - {"config", "said"}
ENSEMBLE_KEYS = Ensemble.model_fields.keys() - {"config", "said"}
STEP_KEYS = Step.model_fields.keys()
ENSEMBLE_FIELDS = (set(TRITON) - SCHEDULERS) | (set(SCHEDULING) - {"step"})

PLACED_BY = ("source", "python", "versions")


def read_model(report: Report, name: str, node: Node, places: PlacesByPath) -> Model | None:
    """Read one entry of ``models:``; bare text is its source."""
    if isinstance(node, Text):
        inside = Entries(values={"source": node}, keys={"source": node.place}, place=node.place)
        return read_keys(report, Model, inside, {"source": node.text}, "a model")
    if not isinstance(node, Entries):
        _not_an_entry(report, name, node, "write its source, or a mapping with `source:`")
        return None
    keys: dict[str, Any] = {}
    config, said = ModelConfig(), set()
    for key, value in node.values.items():
        if key == "requirements":
            keys[key] = read_requirements(report, value)
        elif key in MODEL_KEYS:
            keys[key] = plain(value)
        elif key in TRITON:
            said.add(key)
            _read_field(report, config, ("models", name, key), value, places)
        else:
            _unknown(report, node, key, "a model", MODEL_KEYS | set(TRITON))
    _check_allowed(report, node.values.get("allow"))
    _check_origin(report, name, node)
    return read_keys(report, Model, node, keys | {"config": config, "said": said}, "a model")


def read_ensemble(report: Report, name: str, node: Node, places: PlacesByPath) -> Ensemble | None:
    """Read one entry of ``ensembles:``; ``ensemble_scheduling`` itself is left out of it."""
    if not isinstance(node, Entries):
        _not_an_entry(report, name, node, "write a mapping with `steps:`")
        return None
    keys: dict[str, Any] = {}
    config, said = ModelConfig(), set()
    for key, value in node.values.items():
        if key == "steps":
            keys[key] = _read_steps(report, value)
        elif key in ENSEMBLE_KEYS:
            keys[key] = plain(value)
        elif key in SCHEDULING and key != "step":
            said.add("ensemble_scheduling")
            set_field(report, config.ensemble_scheduling, SCHEDULING[key], value)
        elif key in ENSEMBLE_FIELDS:
            said.add(key)
            _read_field(report, config, ("ensembles", name, key), value, places)
        elif key in SCHEDULERS:
            _refuse_scheduler(report, node, key)
        else:
            _unknown(report, node, key, "an ensemble", ENSEMBLE_KEYS | ENSEMBLE_FIELDS)
    _check_allowed(report, node.values.get("allow"))
    keys |= {"config": config, "said": said}
    return read_keys(report, Ensemble, node, keys, f"the ensemble {quote(name)}")


def check_name(report: Report, name: str, place: Place, kind: str) -> None:
    """Note a name that cannot be a folder and a part of a URL."""
    if not NAME.fullmatch(name):
        report.add(
            codes.NAME,
            place,
            f"{quote(name)} cannot be the name of {kind}",
            why="it is a folder, and a part of URLs that Triton does not decode",
            fix="use letters, digits, `.`, `_` and `-`, and start with a letter or digit",
        )


def _check_allowed(report: Report, node: Node | None) -> None:
    """Note codes that no lint has: what they were to allow would go on being found."""
    for code, place in node.keys.items() if isinstance(node, Entries) else ():
        if LINT.fullmatch(code) and code not in LINTS:
            report.add(
                codes.CHOICE,
                place,
                f"no lint has the code {quote(code)}, and only lints can be allowed",
                fix=nearest(code, LINTS) or "docs/reference/findings.md lists the lints",
            )


def _not_an_entry(report: Report, name: str, node: Node, fix: str) -> None:
    report.add(
        codes.TYPE, node.place, f"{quote(name)} wants an entry, found {describe(node)}", fix=fix
    )


def _read_field(
    report: Report,
    config: ModelConfig,
    path: tuple[str, str, str],
    node: Node,
    places: PlacesByPath,
) -> None:
    """Read a field of ``ModelConfig``; tensors have short forms of their own."""
    _, name, key = path
    if key in ("input", "output"):
        found: dict[str | int, Place] = {}
        read_tensors(report, node, getattr(config, key), found)
        places.update({(*path, part): place for part, place in found.items()})
        return
    set_field(report, config, TRITON[key], node)
    if key == "name" and config.name != name:
        message = f"{quote(name)} is called {describe(node)} inside"
        report.add(codes.NAME, node.place, message, fix="remove `name:`, the key is the name")


def _refuse_scheduler(report: Report, node: Entries, key: str) -> None:
    fix = "write `steps:`" if key == "ensemble_scheduling" else "say it in the models of its steps"
    message = f"{quote(key)} cannot stand in an ensemble, whose scheduler is its steps"
    report.add(codes.EXCLUSIVE, node.keys[key], message, fix=fix)


def _unknown(report: Report, node: Entries, key: str, owner: str, known: set[str]) -> None:
    above = owner_of(ModelConfig.DESCRIPTOR, key)
    if above in known:
        message = f"{quote(key)} is not a key of {owner}, but of its `{above}`"
        fix = f"write `{above}: {{{key}: ...}}`"
        report.add(codes.UNKNOWN_KEY, node.keys[key], message, fix=fix)
    else:
        report.unknown(node, key, owner, known)


def _check_origin(report: Report, name: str, node: Entries) -> None:
    """Check that a model says exactly once where it comes from."""
    said = [key for key in PLACED_BY if key in node.values]
    external = node.values.get("external")
    if isinstance(external, Text) and external.text == "true":
        for key in [*said, *({"files"} & node.values.keys())]:
            message = f"`{key}` and `external: true` exclude each other in {quote(name)}"
            why = "an external model stands in another repository and is not written"
            report.add(codes.EXCLUSIVE, node.keys[key], message, why=why, fix=f"remove `{key}`")
    elif not said:
        report.missing(
            node.place,
            f"nothing says where the model {quote(name)} comes from",
            fix="add `source:`, `python:` or `versions:`, or `source: none` for an empty version",
        )
    for key in said[1:]:
        message = f"`{said[0]}` and `{key}` exclude each other in {quote(name)}"
        report.add(codes.EXCLUSIVE, node.keys[key], message, fix=f"keep `{said[0]}` or `{key}`")


def _read_steps(report: Report, node: Node) -> tuple[Step, ...]:
    items = node.items if isinstance(node, Items) else [node]
    if not items:
        report.add(codes.MISSING, node.place, "`steps` is empty", fix="name the models to run")
    steps = [_read_step(report, item) for item in items]
    return tuple(step for step in steps if step is not None)


def _read_step(report: Report, node: Node) -> Step | None:
    if isinstance(node, Text):
        node = Entries(values={"model": node}, keys={"model": node.place}, place=node.place)
    if not isinstance(node, Entries):
        message = f"a step wants a model's name or a mapping, found {describe(node)}"
        report.add(codes.TYPE, node.place, message, fix="write `- model` or `- {model: ...}`")
        return None
    for key in node.values.keys() - STEP_KEYS:
        report.unknown(node, key, "a step", STEP_KEYS)
    keys = {key: plain(value) for key, value in node.values.items() if key in STEP_KEYS}
    if isinstance(keys.get("output"), list):
        keys["output"] = _unrenamed(report, node.values["output"])
    return read_keys(report, Step, node, keys, "a step")


def _unrenamed(report: Report, node: Node) -> dict[str, str]:
    """Read ``output: [a, b]``: only those go out, under their own names."""
    assert isinstance(node, Items)
    names = {}
    for item in node.items:
        if isinstance(item, Text):
            names[item.text] = item.text
        else:
            message = f"an output of a step is a name, found {describe(item)}"
            report.add(codes.TYPE, item.place, message, fix="write `output: {theirs: ours}`")
    return names
