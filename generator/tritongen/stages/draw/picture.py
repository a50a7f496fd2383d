"""What there is to draw of a plan: boxes with ports, in columns, and links between ports."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tritonclient.grpc.model_config_pb2 import (
    ModelConfig,
    ModelEnsembling,
    ModelInput,
    ModelInstanceGroup,
    ModelOutput,
)

from tritongen.errors import SpecError
from tritongen.records.finding import did_you_mean
from tritongen.records.plan import End, Plan, PlannedModel, short

Tensors = Iterable[ModelInput | ModelOutput]


@dataclass(frozen=True, kw_only=True)
class Port:
    """A tensor of a box as its model calls it, with its type: ``FP32[214]``."""

    name: str
    type: str
    optional: bool = False

    @property
    def label(self) -> str:
        """The type, and whether a request may leave it out."""
        return f"{self.type} optional" if self.optional else self.type


@dataclass(frozen=True, kw_only=True)
class Box:
    """A model, a step, or the inputs or outputs of an ensemble; ``facts`` say how it runs."""

    key: str
    title: str
    kind: Literal["inputs", "outputs", "model", "ensemble"]
    facts: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Link:
    """A tensor on its way from an output of one box to an input of another: (box, port)."""

    tail: tuple[str, str]
    head: tuple[str, str]
    tensor: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One ensemble, or the models that are in none; ``columns`` hold the keys of ``boxes``."""

    title: str
    facts: tuple[str, ...]
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    columns: tuple[tuple[str, ...], ...]

    def box(self, key: str) -> Box:
        """Return a box by its key."""
        return next(box for box in self.boxes if box.key == key)


def pictures(plan: Plan, ensemble: str = "") -> tuple[Picture, ...]:
    """Return a picture of each ensemble, then one of the models in none; or those one needs.

    Raises:
        SpecError: there is no ensemble or model of that name.
    """
    if ensemble and ensemble not in plan.models:
        hint = did_you_mean(ensemble, plan.models)
        raise SpecError(
            f"there is no ensemble or model {ensemble!r}",
            why=hint,
            fix=f"name one of: {', '.join(plan.models)}",
        )
    wanted = list(_needed(plan, ensemble)) if ensemble else list(plan.models)
    drawn = [_ensemble(plan, plan.models[name]) for name in wanted if _steps(plan, name)]
    used = {step.model_name for name in wanted for step in _steps(plan, name)}
    alone = [name for name in wanted if not _steps(plan, name) and name not in used]
    return (*drawn, *([_models(plan, alone)] if alone else []))


def _steps(plan: Plan, name: str) -> Sequence[ModelEnsembling.Step]:
    return plan.models[name].config.ensemble_scheduling.step


def _needed(plan: Plan, name: str) -> Iterator[str]:
    """Yield an ensemble and all ensembles in it, each once, the outer first."""
    ahead, seen = [name], set()
    while ahead:
        name = ahead.pop(0)
        if name not in seen:
            seen.add(name)
            yield name
            inner = [step.model_name for step in _steps(plan, name)]
            ahead += [model for model in inner if _steps(plan, model)]


def _models(plan: Plan, names: Sequence[str]) -> Picture:
    boxes = tuple(_box(plan, plan.models[name], name) for name in names)
    columns = (tuple(names),)
    return Picture(title="models", facts=(), boxes=boxes, links=(), columns=columns)


def _ensemble(plan: Plan, ensemble: PlannedModel) -> Picture:
    config = ensemble.config
    steps = config.ensemble_scheduling.step
    boxes = [
        Box(key="in", title="input", kind="inputs", outputs=_ports(config.input)),
        *(_box(plan, plan.models[step.model_name], str(n)) for n, step in enumerate(steps)),
        Box(key="out", title="output", kind="outputs", inputs=_ports(config.output)),
    ]
    links = tuple(
        Link(
            tail=(
                "in" if wire.producer.step is None else str(wire.producer.step),
                wire.producer.tensor,
            ),
            head=_head(end),
            tensor=wire.tensor,
        )
        for wire in plan.wires
        if wire.ensemble == ensemble.name
        for end in wire.consumers
    )
    return Picture(
        title=ensemble.name,
        facts=("ensemble", _batch(config)),
        boxes=tuple(boxes),
        links=links,
        columns=_columns([box.key for box in boxes], links),
    )


def _head(end: End) -> tuple[str, str]:
    return ("out" if end.step is None else str(end.step), end.tensor)


def _box(plan: Plan, model: PlannedModel, key: str) -> Box:
    config = model.config
    entry = plan.spec.models.get(model.name)
    return Box(
        key=key,
        title=model.name,
        kind="ensemble" if config.ensemble_scheduling.step else "model",
        facts=tuple(_facts(model)),
        calls=tuple(entry.calls) if entry else (),
        inputs=_ports(config.input),
        outputs=_ports(config.output),
    )


def _facts(model: PlannedModel) -> Iterator[str]:
    """Say what runs a model, how it batches, and how many of it run."""
    config = model.config
    if config.ensemble_scheduling.step:
        yield "ensemble"
    elif model.kind == "step":
        yield "python step"
    else:
        yield config.backend or config.platform or "external"
    yield _batch(config)
    yield from (_instances(group) for group in config.instance_group)
    if config.model_transaction_policy.decoupled:
        yield "decoupled"


def _batch(config: ModelConfig) -> str:
    if not config.max_batch_size:
        return "no batching"
    scheduler = config.WhichOneof("scheduling_choice")
    dynamic = {"dynamic_batching": ", dynamic", "sequence_batching": ", sequences"}
    return f"batch {config.max_batch_size}{dynamic.get(scheduler or '', '')}"


def _instances(group: ModelInstanceGroup) -> str:
    kind = ModelInstanceGroup.Kind.Name(group.kind).removeprefix("KIND_")
    where = "" if kind == "AUTO" else f" on {kind if kind in ('CPU', 'GPU') else kind.lower()}"
    gpus = f" {','.join(map(str, group.gpus))}" if group.gpus else ""
    count = group.count or 1
    return f"{count} instance{'' if count == 1 else 's'}{where}{gpus}"


def _ports(tensors: Tensors) -> tuple[Port, ...]:
    return tuple(
        Port(name=t.name, type=short(t), optional=isinstance(t, ModelInput) and t.optional)
        for t in tensors
    )


def _columns(keys: Sequence[str], links: Iterable[Link]) -> tuple[tuple[str, ...], ...]:
    """Put every box behind all that it reads from; outputs stand last."""
    before: dict[str, set[str]] = {key: {"in"} - {key} for key in keys}
    for link in links:
        before[link.head[0]].add(link.tail[0])
    before["out"] = set(keys) - {"out"}
    level: dict[str, int] = {}
    waiting = list(keys)
    while waiting:
        ready = [key for key in waiting if before[key] <= level.keys()]
        for key in ready:
            level[key] = 1 + max((level[other] for other in before[key]), default=-1)
        waiting = [key for key in waiting if key not in level]
        assert ready, "a plan's ensembles have no cycles"
    rows = [[key for key in keys if level[key] == number] for number in range(level["out"] + 1)]
    return tuple(map(tuple, rows))
