"""An ensemble's wiring becomes its ``ModelConfig``, with types and dims from the wires' ends."""

from collections.abc import Iterator, Mapping, Sequence

from tritongen.records.facts import Facts
from tritongen.records.finding import Finding, Places
from tritongen.records.messages import ModelConfig, ModelInput, ModelOutput
from tritongen.records.plan import Decision, End, PlannedModel, Wire, short
from tritongen.records.spec import Ensemble
from tritongen.stages.resolve import defaults
from tritongen.stages.resolve.content import ensemble_content
from tritongen.stages.resolve.wiring import Wiring, label

View = tuple[ModelInput | ModelOutput, ModelConfig]
"""A tensor as a member declares it, with the member."""


def wire(
    name: str,
    entry: Ensemble,
    models: Mapping[str, PlannedModel],
    places: Places,
    facts: Facts,
) -> tuple[PlannedModel, list[Wire], list[Decision], list[Finding]]:
    """Wire one ensemble whose steps' models are all planned."""
    wiring = Wiring(name, entry, models, places)
    findings = wiring.refuse()
    config = ModelConfig()
    config.CopyFrom(entry.config)
    config.name = name
    config.platform = "ensemble"
    decisions = list(_decide_batching(wiring, config))
    decisions += _complete_tensors(wiring, config)
    for step, reads, writes in zip(entry.steps, wiring.reads, wiring.writes, strict=True):
        config.ensemble_scheduling.step.add(
            model_name=step.model,
            model_version=step.version,
            model_namespace=step.namespace or "",
            input_map=reads,
            output_map=writes,
        )
    content, misplaced = ensemble_content(name, entry, facts, places)
    planned = PlannedModel(
        name=name,
        kind="ensemble",
        config=config,
        content=content,
        path=("ensembles", name),
    )
    return planned, list(_wires(wiring)), decisions, [*findings, *misplaced]


def _decide_batching(wiring: Wiring, config: ModelConfig) -> Iterator[Decision]:
    path = ("ensembles", wiring.name, "max_batch_size")
    if "max_batch_size" in wiring.entry.said:
        yield defaults.said(path, config.max_batch_size)
        return
    sizes = [wiring.models[step.model].config.max_batch_size for step in wiring.entry.steps]
    config.max_batch_size = min(sizes, default=0)
    why = defaults.SMALLEST_STEP if config.max_batch_size else defaults.NO_STEP_BATCHES
    yield defaults.default(path, config.max_batch_size, why)


def _complete_tensors(wiring: Wiring, config: ModelConfig) -> Iterator[Decision]:
    """List the inputs and outputs that were not said, and give them all their types and dims."""
    for section, names in (("input", wiring.inputs), ("output", wiring.outputs)):
        tensors = config.input if section == "input" else config.output
        for index, name in enumerate(names):
            if section not in wiring.entry.said:
                tensors.add(name=name)
            tensor = tensors[index]
            views = list(_views(wiring, name))
            if tensor.dims or tensor.data_type or not views:
                continue
            tensor.data_type = views[0][0].data_type
            tensor.dims.extend(
                _most_fixed([_outside(*view, config.max_batch_size) for view in views])
            )
            if isinstance(tensor, ModelInput):
                tensor.optional = all(isinstance(v, ModelInput) and v.optional for v, _ in views)
            writer = wiring.producers.get(name) if section == "output" else None
            ends = [writer] if writer else wiring.readers(name)
            why = f"{'read' if section == 'input' else 'written'} by {', '.join(map(label, ends))}"
            path = ("ensembles", wiring.name, section, name)
            yield defaults.wired(path, short(tensor), why)


def _views(wiring: Wiring, tensor: str) -> Iterator[View]:
    """Yield what the members at the ends of an ensemble tensor declare, the producer first."""
    ends: list[tuple[End, bool]] = [(end, False) for end in wiring.readers(tensor)]
    if tensor in wiring.producers:
        ends.insert(0, (wiring.producers[tensor], True))
    for end, writes in ends:
        config = wiring.models[end.model].config
        declared: Sequence[ModelInput | ModelOutput] = config.output if writes else config.input
        yield from ((item, config) for item in declared if item.name == end.tensor)


def _outside(
    tensor: ModelInput | ModelOutput, member: ModelConfig, max_batch_size: int
) -> list[int]:
    """Return a member's dims as an ensemble with this ``max_batch_size`` writes them."""
    dims = list(tensor.dims)
    if member.max_batch_size > 0:
        return dims if max_batch_size > 0 else [-1, *dims]
    if max_batch_size > 0 and dims[:1] == [-1] and len(dims) > 1:
        return dims[1:]
    return dims


def _most_fixed(shapes: list[list[int]]) -> list[int]:
    """Merge shapes of one rank, preferring fixed dimensions to -1."""
    merged = list(shapes[0])
    for shape in shapes[1:]:
        if len(shape) == len(merged):
            merged = [b if a == -1 else a for a, b in zip(merged, shape, strict=True)]
    return merged


def _wires(wiring: Wiring) -> Iterator[Wire]:
    outside = {name: End(step=None, model=wiring.name, tensor=name) for name in wiring.inputs}
    outputs = set(wiring.outputs)
    for tensor, producer in (outside | wiring.producers).items():
        consumers = wiring.readers(tensor)
        if tensor in outputs:
            consumers.append(End(step=None, model=wiring.name, tensor=tensor))
        yield Wire(
            ensemble=wiring.name, tensor=tensor, producer=producer, consumers=tuple(consumers)
        )
