"""What we decided: complete, so that nothing is left to choose after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from tritongen.records.facts import Facts
from tritongen.records.finding import Places, SpecPath
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.messages import (
    DataType,
    ModelConfig,
    ModelEnsembling,
    ModelInput,
    ModelOutput,
)
from tritongen.records.release import Release
from tritongen.records.server import Server
from tritongen.records.spec import Spec
from tritongen.records.stack import PlannedStack
from tritongen.records.tree import Entry
from tritongen.records.tune import PlannedTune


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A value, where it came from, and the reason; ``tritongen explain`` prints them."""

    path: SpecPath
    value: str
    source: Literal["spec", "file", "default", "wiring", "tuned"]
    why: str


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """A folder of the model repository.

    ``config`` is complete; protobufs are mutable, so copy before change. ``content`` maps a path
    below the model's folder to what stands there, besides ``config.pbtxt``. An external model is
    wired but not written.
    """

    name: str
    kind: Literal["model", "step", "ensemble", "external"]
    config: ModelConfig
    content: Mapping[str, Entry]
    path: SpecPath


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a wire: ``tensor`` of step ``step``; ``None`` is the ensemble itself."""

    step: int | None
    model: str
    tensor: str


@dataclass(frozen=True, kw_only=True)
class Wire:
    """An ensemble tensor: who writes it and who reads it."""

    ensemble: str
    tensor: str
    producer: End
    consumers: tuple[End, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that will be rendered and served, with the reasons.

    ``auto_complete`` tells the server to fill in configurations: only where a model could not be
    completed here (its format can't be read and its tensors were not said).
    """

    name: str
    release: Release
    models: Mapping[str, PlannedModel]
    wires: tuple[Wire, ...]
    server: Server
    auto_complete: bool
    decisions: tuple[Decision, ...]
    spec: Spec
    facts: Facts
    loadtests: Mapping[str, PlannedLoadTest] = field(default_factory=dict)
    stack: PlannedStack | None = None
    tune: PlannedTune | None = None

    def source(self, end: End) -> ModelOutput | None:
        """Return the model output at the writing end of a wire, if the model declares it."""
        outputs = self.models[end.model].config.output
        return next((tensor for tensor in outputs if tensor.name == end.tensor), None)

    def sink(self, end: End) -> ModelInput | None:
        """Return the model input at a reading end of a wire, if the model declares it."""
        inputs = self.models[end.model].config.input
        return next((tensor for tensor in inputs if tensor.name == end.tensor), None)

    def steps(self) -> Iterator[tuple[PlannedModel, int, ModelEnsembling.Step]]:
        """Yield every step of every ensemble with its number."""
        for model in self.models.values():
            for number, step in enumerate(model.config.ensemble_scheduling.step):
                yield model, number, step

    def decoupled(self, name: str) -> bool:
        """Tell whether a model answers a request any number of times; Triton computes ensembles."""
        return name in self._decoupled

    @cached_property
    def _decoupled(self) -> set[str]:
        found: set[str] = set()
        for model in self.models.values():  # members stand before the ensembles that contain them
            steps = model.config.ensemble_scheduling.step
            inherited = any(step.model_name in found for step in steps)
            if inherited or (not steps and model.config.model_transaction_policy.decoupled):
                found.add(model.name)
        return found

    @property
    def places(self) -> Places:
        """Where the spec's values stand, for messages."""
        return self.spec.places


def short(tensor: ModelInput | ModelOutput) -> str:
    """Return a declared tensor in the spec's short form, ``FP32[3,224,224]``."""
    return f"{short_type(tensor.data_type)}[{','.join(map(str, tensor.dims))}]"


def short_type(data_type: int | str) -> str:
    """Return a data type as the protocol and the spec name it: ``FP32``, ``BYTES``."""
    name = data_type if isinstance(data_type, str) else DataType.Name(data_type)
    return name.removeprefix("TYPE_").replace("STRING", "BYTES")
