"""Triton's rules for ensembles by brute force, written from its documentation and nothing else.

``broken`` tries the rules one by one in the plainest way; nothing here is shared with tritongen.
"""

from collections.abc import Iterator

from tests.integration.truth.graphs import DECOUPLED, MEMBERS, Graph

Tensor = tuple[str, list[int]]


def parse(short: str) -> Tensor:
    kind, _, rest = short.partition("[")
    return kind, [int(dim) for dim in rest.partition("]")[0].split(",")]


def broken(graph: Graph) -> set[str]:
    """Name the rules that Triton would refuse a graph for."""
    rules = {
        "step maps": step_maps,
        "produced twice": produced_twice,
        "not connected": not_connected,
        "unused": unused,
        "unknown tensor": unknown_tensor,
        "batch size": batch_size,
        "version": version,
        "type or shape": type_or_shape,
    }
    found = {name for name, rule in rules.items() if any(rule(graph))}
    if not found & {"produced twice", "not connected", "unused"} and any(origins(graph)):
        found.add("origins")
    return found


def harmful(graph: Graph) -> set[str]:
    """Name what Triton takes and should not be given."""
    found = set()
    if any(tensor in graph.inputs for step in graph.steps for tensor in step["output"].values()):
        found.add("feedback")
    for name, short in graph.inputs.items():
        for step in graph.steps:
            inputs = MEMBERS[step["model"]][1]
            for own, tensor in step["input"].items():
                wanted = inputs.get(own, "optional")
                if short.endswith("optional") and tensor == name and "optional" not in wanted:
                    found.add("optional into required")
    return found


def step_maps(graph: Graph) -> Iterator[bool]:
    for step in graph.steps:
        yield not step["input"] or not step["output"]


def produced_twice(graph: Graph) -> Iterator[bool]:
    written = [tensor for step in graph.steps for tensor in step["output"].values()]
    yield len(written) != len(set(written))


def not_connected(graph: Graph) -> Iterator[bool]:
    there = set(graph.inputs)
    for _ in graph.steps:  # as many passes as there are steps reach whatever can be reached
        for step in graph.steps:
            if set(step["input"].values()) <= there:
                there |= set(step["output"].values())
    for step in graph.steps:
        yield not set(step["input"].values()) <= there
    yield not set(graph.outputs) <= there


def unused(graph: Graph) -> Iterator[bool]:
    read = {tensor for step in graph.steps for tensor in step["input"].values()}
    for name in graph.inputs:
        yield name not in read


def unknown_tensor(graph: Graph) -> Iterator[bool]:
    for step in graph.steps:
        _, inputs, outputs = MEMBERS[step["model"]]
        yield not set(step["input"]) <= set(inputs)
        yield not set(step["output"]) <= set(outputs)


def batch_size(graph: Graph) -> Iterator[bool]:
    for step in graph.steps:
        limit = MEMBERS[step["model"]][0]
        yield limit != 0 and limit < graph.max_batch_size


def version(graph: Graph) -> Iterator[bool]:
    for step in graph.steps:
        yield step.get("version", -1) not in (-1, 1)


def type_or_shape(graph: Graph) -> Iterator[bool]:
    first: dict[str, tuple[Tensor, bool]] = {}
    for name, short in [*graph.inputs.items(), *graph.outputs.items()]:
        first.setdefault(name, (parse(short), graph.max_batch_size > 0))
    for step in graph.steps:
        limit, inputs, outputs = MEMBERS[step["model"]]
        ends = [(step["input"], inputs), (step["output"], outputs)]
        for mapped, declared in ends:
            for own in declared:  # the order in which a model declares them
                if own in mapped:
                    end = (parse(declared[own]), limit > 0)
                    yield not agree(first.setdefault(mapped[own], end), end)


def agree(one: tuple[Tensor, bool], other: tuple[Tensor, bool]) -> bool:
    (kind, dims), batches = one
    (other_kind, other_dims), other_batches = other
    if kind != other_kind:
        return False
    full = [-1] * batches + dims, [-1] * other_batches + other_dims
    return match(dims, other_dims) or match(*full)


def match(one: list[int], other: list[int]) -> bool:
    if len(one) != len(other):
        return False
    return all(a == b or -1 in (a, b) for a, b in zip(one, other, strict=True))


def origins(graph: Graph) -> Iterator[bool]:
    """Whose answers a tensor belongs to: the request's, or those of one decoupled step."""
    origin = dict.fromkeys(graph.inputs, "request")
    for _ in graph.steps:
        for number, step in enumerate(graph.steps):
            reads = step["input"].values()
            if all(tensor in origin for tensor in reads):
                own = origin[next(iter(reads))] if reads else "request"
                name = f"step {number}" if step["model"] in DECOUPLED else own
                for tensor in step["output"].values():
                    origin.setdefault(tensor, name)
    for step in graph.steps:
        yield len({origin.get(tensor) for tensor in step["input"].values()}) > 1
    yield len({origin.get(tensor) for tensor in graph.outputs}) > 1
