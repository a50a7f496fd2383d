"""How an ensemble's steps connect: by name, and by the renames that the spec says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from tritongen.records.finding import Finding, Place, Places
from tritongen.records.plan import End, PlannedModel
from tritongen.records.spec import Ensemble
from tritongen.stages.resolve import refusals

MOST_HINTS = 20


@dataclass(frozen=True)
class Wiring:
    """One ensemble's steps and the ensemble tensors that they read and write.

    ``reads`` and ``writes`` hold, per step, model tensor -> ensemble tensor.
    """

    name: str
    entry: Ensemble
    models: Mapping[str, PlannedModel]
    places: Places
    findings: list[Finding] = field(default_factory=list)

    @cached_property
    def writes(self) -> list[dict[str, str]]:
        """What each step writes; an output that nobody needs is left out if outputs are said."""
        every = [
            dict(step.output)
            if step.output is not None
            else {tensor.name: tensor.name for tensor in self.models[step.model].config.output}
            for step in self.entry.steps
        ]
        if "output" not in self.entry.said:
            return every
        wanted = {tensor.name for tensor in self.entry.config.output}
        wanted |= {tensor for step in self._wished for tensor in step.values()}
        return [
            {name: tensor for name, tensor in step.items() if tensor in wanted} for step in every
        ]

    @cached_property
    def _wished(self) -> list[dict[str, str]]:
        """What each step would read if all its inputs were connected."""
        return [
            {tensor.name: tensor.name for tensor in self.models[step.model].config.input}
            | dict(step.input)
            for step in self.entry.steps
        ]

    @cached_property
    def producers(self) -> dict[str, End]:
        """The step output behind each ensemble tensor; a second one is a finding."""
        producers: dict[str, End] = {}
        for index, step in enumerate(self.writes):
            for output, tensor in step.items():
                end = End(step=index, model=self.entry.steps[index].model, tensor=output)
                if tensor in producers:
                    first = label(producers[tensor])
                    place = self._place(index, "output", output)
                    self.findings.append(refusals.written_twice(tensor, first, label(end), place))
                else:
                    producers[tensor] = end
        return producers

    @cached_property
    def reads(self) -> list[dict[str, str]]:
        """What each step reads, without the optional inputs that nothing is connected to."""
        said = {tensor.name for tensor in self.entry.config.input}
        there = said | set(self.producers)
        reads: list[dict[str, str]] = []
        for index, wished in enumerate(self._wished):
            step = self.entry.steps[index]
            optional = {t.name for t in self.models[step.model].config.input if t.optional}
            reads.append({})
            for name, tensor in wished.items():
                if "input" not in self.entry.said or tensor in there:
                    reads[index][name] = tensor
                elif name not in optional or name in step.input:
                    reader = label(End(step=index, model=step.model, tensor=name))
                    place = self._place(index, "input", name)
                    known = there if self._hints else ()
                    self.findings.append(refusals.nobody_writes(tensor, reader, known, place))
        return reads

    @cached_property
    def inputs(self) -> list[str]:
        """The ensemble's inputs: those said, else what is read and not written."""
        if "input" in self.entry.said:
            return [tensor.name for tensor in self.entry.config.input]
        read = (tensor for step in self.reads for tensor in step.values())
        return list(dict.fromkeys(tensor for tensor in read if tensor not in self.producers))

    @cached_property
    def outputs(self) -> list[str]:
        """The ensemble's outputs: those said, else what is written and not read."""
        if "output" in self.entry.said:
            return [tensor.name for tensor in self.entry.config.output]
        read = {tensor for step in self.reads for tensor in step.values()}
        return [tensor for tensor in self.producers if tensor not in read]

    def readers(self, tensor: str) -> list[End]:
        """Return the step inputs that read an ensemble tensor."""
        return list(self._readers.get(tensor, ()))

    @cached_property
    def _readers(self) -> dict[str, list[End]]:
        readers: dict[str, list[End]] = {}
        for index, step in enumerate(self.reads):
            for name, tensor in step.items():
                end = End(step=index, model=self.entry.steps[index].model, tensor=name)
                readers.setdefault(tensor, []).append(end)
        return readers

    def refuse(self) -> list[Finding]:
        """Return what makes the wiring impossible."""
        if "input" in self.entry.said:
            self._refuse_written_inputs()
        self._refuse_unwritten_outputs()
        if circle := self._circle():
            names = [self.entry.steps[index].model for index, _ in circle]
            place = self._place(circle[0][0])
            self.findings.append(refusals.circle(names, [name for _, name in circle], place))
        return self.findings

    def _refuse_written_inputs(self) -> None:
        for tensor in self.inputs:
            if tensor in self.producers:
                end = self.producers[tensor]
                place = self._place(end.step or 0, "output", end.tensor)
                self.findings.append(refusals.writes_input(tensor, label(end), place))

    def _refuse_unwritten_outputs(self) -> None:
        there = {*self.producers, *self.inputs}
        for index, tensor in enumerate(self.outputs):
            if tensor not in there:
                place = self.places.of("ensembles", self.name, "output", index)
                by_name = ("ensembles", self.name, "output", tensor)
                place = self.places.by_path.get(by_name, place)
                known = self._written() if self._hints else ()
                self.findings.append(
                    refusals.unwritten_output(f"{self.name}.{tensor}", known, place)
                )

    @property
    def _hints(self) -> bool:
        """Whether to look for what was meant: in a large ensemble that takes a while each time."""
        return len(self.findings) < MOST_HINTS

    def _written(self) -> list[str]:
        """Name every tensor that the steps' models write, mapped or not."""
        members = (self.models[step.model].config for step in self.entry.steps)
        return [*self.producers, *(tensor.name for config in members for tensor in config.output)]

    def _circle(self) -> list[tuple[int, str]]:
        """Return the steps of a circle in order, each with the tensor it hands on; or nothing."""
        waits = [
            {
                producer: tensor
                for tensor in reads.values()
                if (producer := self._writer(tensor)) is not None
            }
            for reads in self.reads
        ]
        left = _never_ready(waits)
        if not left:
            return []
        walk = [min(left)]
        while walk[-1] not in walk[:-1]:
            walk.append(min(left & set(waits[walk[-1]])))
        backwards = walk[walk.index(walk[-1]) :]
        return [
            (writer, waits[reader][writer])
            for reader, writer in reversed(list(pairwise(backwards)))
        ]

    def _writer(self, tensor: str) -> int | None:
        return self.producers[tensor].step if tensor in self.producers else None

    def _place(self, step: int, *path: str) -> Place | None:
        return self.places.of("ensembles", self.name, "steps", step, *path)


def _never_ready(waits: Sequence[Collection[int]]) -> set[int]:
    """Return the steps that wait, directly or not, for themselves; each waits for some others."""
    behind: dict[int, list[int]] = {}
    for step, producers in enumerate(waits):
        for producer in producers:
            behind.setdefault(producer, []).append(step)
    missing = [len(producers) for producers in waits]
    ready = [step for step, count in enumerate(missing) if not count]
    for step in ready:  # grows while it is walked
        for reader in behind.get(step, ()):
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    return set(range(len(waits))) - set(ready)


def label(end: End) -> str:
    """Name one end of a wire as a user would: ``classifier.scores``."""
    return f"{end.model}.{end.tensor}"
