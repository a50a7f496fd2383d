"""An input that nobody writes stands beside an output of the same kind that nobody reads.

Steps are wired by name. When a step's output and the next step's input have the same type and
shape but different names, the one becomes an output of the ensemble and the other an input that
every client would have to send. That is hardly ever meant: a rename is missing.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan, Wire

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about unread outputs that fit an unwritten input of a later step."""
    for ensemble in plan.models.values():
        entry = plan.spec.ensembles.get(ensemble.name)
        if entry is None or entry.said & {"input", "output"}:
            continue
        wires = [wire for wire in plan.wires if wire.ensemble == ensemble.name]
        unread = [w for w in wires if all(end.step is None for end in w.consumers)]
        unwritten = [wire for wire in wires if wire.producer.step is None]
        for out in unread:
            fitting = [w for w in unwritten if _fits(plan, out, w)]
            if out.producer.step is not None and len(fitting) == 1:
                end = fitting[0].consumers[0]
                yield Complaint(
                    path=(*ensemble.path, "steps", out.producer.step),
                    message=f"nobody reads {out.producer.model}.{out.producer.tensor}, and nobody "
                    f"writes {end.model}.{end.tensor}, which has the same type and shape",
                    why="clients would have to send the one and would get the other",
                    fix=f"rename it: {{model: {out.producer.model}, "
                    f"output: {{{out.producer.tensor}: {fitting[0].tensor}}}}}; if it is meant, "
                    "list the ensemble's input: and output:",
                )


def _fits(plan: Plan, out: Wire, read: Wire) -> bool:
    source = plan.source(out.producer) if out.producer.step is not None else None
    later = [e for e in read.consumers if e.step is not None and e.step > (out.producer.step or 0)]
    sinks = [plan.sink(end) for end in later]
    return source is not None and any(
        sink is not None and sink.data_type == source.data_type and sink.dims == source.dims
        for sink in sinks
    )
