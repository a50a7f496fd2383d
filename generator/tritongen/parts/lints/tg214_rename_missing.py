"""An input that nobody writes stands beside an output of the same kind that nobody reads.

Steps are wired by name. When a step's output and the next step's input have the same type and
shape but different names, the one becomes an output of the ensemble and the other an input that
every client would have to send. That is hardly ever meant: a rename is missing.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelInput, ModelOutput
from tritongen.records.plan import End, Plan, Wire
from tritongen.records.views import wires_of

SEVERITY: Final = "warning"
Form = tuple[int, tuple[int, ...]]


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about unread outputs that fit an unwritten input of a later step."""
    for name, wires in wires_of(plan).items():
        entry = plan.spec.ensembles[name]
        if entry.said & {"input", "output"}:
            continue
        unwritten = _unwritten(plan, wires)
        for out in wires:
            step = out.producer.step
            source = plan.source(out.producer) if step is not None else None
            if source is None or any(end.step is not None for end in out.consumers):
                continue
            fitting = unwritten.get(_form(source), [])
            later = fitting[bisect_right(fitting, step or 0, key=lambda found: found[0]) :]
            if len(later) != 1:
                continue
            _, end, tensor = later[0]
            yield Complaint(
                path=("ensembles", name, "steps", out.producer.step or 0),
                message=f"nobody reads {out.producer.model}.{out.producer.tensor}, and nobody "
                f"writes {end.model}.{end.tensor}, which has the same type and shape",
                why="clients would have to send the one and would get the other",
                fix=f"rename it: {{model: {out.producer.model}, "
                f"output: {{{out.producer.tensor}: {tensor}}}}}; if it is meant, "
                "list the ensemble's input: and output:",
            )


def _form(tensor: ModelInput | ModelOutput) -> Form:
    return tensor.data_type, tuple(tensor.dims)


def _unwritten(plan: Plan, wires: list[Wire]) -> dict[Form, list[tuple[int, End, str]]]:
    """Return who first reads each input of the ensemble, in order, by the type and dims wanted."""
    found: dict[Form, list[tuple[int, End, str]]] = {}
    for wire in wires:
        if wire.producer.step is None and wire.consumers:
            first = wire.consumers[0]
            sink = plan.sink(first) if first.step is not None else None
            if sink is not None:
                found.setdefault(_form(sink), []).append((first.step or 0, first, wire.tensor))
    for readers in found.values():
        readers.sort(key=lambda reader: reader[0])
    return found
