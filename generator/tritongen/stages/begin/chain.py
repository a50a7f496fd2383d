"""Finds which models feed each other: tensors of one type and shape, best of one name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor without the batch dimension; ``dims`` of ``None``: only its name is known."""

    name: str
    type: str = "FP32"
    dims: tuple[int, ...] | None = None
    optional: bool = False

    def fits(self, other: "Tensor") -> bool:
        """Tell whether one can feed the other: -1 fits any size."""
        if self.dims is None or other.dims is None:
            return self.name == other.name
        pairs = zip(self.dims, other.dims, strict=False)
        same_rank = len(self.dims) == len(other.dims)
        return (
            self.type == other.type and same_rank and all(a == b or -1 in (a, b) for a, b in pairs)
        )


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model with what goes in and out."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(kw_only=True)
class Step:
    """A step of the chain: renames only, from the model's tensor to the ensemble's."""

    model: str
    input: dict[str, str] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)


def chain(models: Sequence[Model]) -> list[Step]:
    """Return the models that feed each other as steps; fewer than two are no chain."""
    start = _start(models)
    if start is None:
        return []
    remaining = list(models)
    steps: list[Step] = []
    tensors: dict[str, Tensor] = {}
    unread: set[str] = set()
    following: Model | None = start
    while following is not None:
        remaining.remove(following)
        steps.append(_step(following, tensors, unread))
        following = next((m for m in remaining if list(_sources(m, tensors, unread))), None)
    return steps if len(steps) > 1 else []


def _start(models: Sequence[Model]) -> Model | None:
    """Return the first model that feeds others and is fed by none: by name, else by shape.

    Where all that fit could feed each other, the order given decides.
    """
    by_name = [(a, b) for a in models for b in models if a is not b and _feeds(a, b, by_name=True)]
    if by_name:
        fed = {taker.name for _, taker in by_name}
        return next((giver for giver, _ in by_name if giver.name not in fed), None)
    return next(
        (a for a in models for b in models if a is not b and _feeds(a, b, by_name=False)), None
    )


def _feeds(giver: Model, taker: Model, *, by_name: bool) -> bool:
    return any(
        output.fits(tensor) and (not by_name or output.name == tensor.name)
        for output in giver.outputs
        for tensor in taker.inputs
    )


def _sources(
    model: Model, tensors: Mapping[str, Tensor], unread: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield input and tensor: the one of the same name, else the only unread one that fits."""
    free = set(unread)
    for tensor in model.inputs:
        named = tensors.get(tensor.name)
        if named is not None and named.fits(tensor):
            free.discard(tensor.name)
            yield tensor.name, tensor.name
            continue
        fitting = [
            name for name in free if tensors[name].dims is not None and tensors[name].fits(tensor)
        ]
        if len(fitting) == 1 and tensor.dims is not None:
            free.discard(fitting[0])
            yield tensor.name, fitting[0]


def _step(model: Model, tensors: dict[str, Tensor], unread: set[str]) -> Step:
    """Add a model to the chain; a name that means something else there is made its own."""
    step = Step(model=model.name)
    sources = dict(_sources(model, tensors, unread))
    for tensor in model.inputs:
        name = sources.get(tensor.name, tensor.name)
        if tensor.name not in sources:
            name = _own(model, tensor.name, tensors)
            tensors[name] = tensor
        if name != tensor.name:
            step.input[tensor.name] = name
        unread.discard(name)
    renamed = {tensor.name: _own(model, tensor.name, tensors) for tensor in model.outputs}
    for tensor in model.outputs:
        tensors[renamed[tensor.name]] = tensor
        unread.add(renamed[tensor.name])
    if any(name != own for name, own in renamed.items()):
        step.output = renamed
    return step


def _own(model: Model, name: str, tensors: Mapping[str, Tensor]) -> str:
    return name if name not in tensors else f"{model.name}_{name}"
